package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// awaitPause is the pause between two questions to a cluster that forms.
	awaitPause = 100 * time.Millisecond
	// askPatience bounds one question: without a leader nobody answers.
	askPatience = 3 * time.Second
	// probeStream is made and deleted to see that streams can be made.
	probeStream = "holdfast_dev_probe"
)

// AwaitMembers returns when both clusters serve: etcd answers reads that need
// most of its members, and NATS makes a stream with a copy on each server.
func AwaitMembers(ctx context.Context, members []Member) error {
	for _, check := range []struct {
		name string
		do   func(context.Context, []Member) error
	}{{"etcd", askEtcd}, {"NATS", askNATS}} {
		for {
			asking, cancel := context.WithTimeout(ctx, askPatience)
			err := check.do(asking, members)
			cancel()
			if err == nil {
				break
			}
			select {
			case <-time.After(awaitPause):
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w", check.name, errors.Join(context.Cause(ctx), err))
			}
		}
	}
	return nil
}

// askEtcd asks every member whether it sees a leader and can read.
func askEtcd(ctx context.Context, members []Member) error {
	for _, url := range EtcdURLs(members) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
		if err != nil {
			return err
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		var answer struct{ Health, Reason string }
		err = json.NewDecoder(r.Body).Decode(&answer)
		_ = r.Body.Close() // it was read
		if err != nil || answer.Health != "true" {
			return fmt.Errorf("%s is not healthy: %s: %w", url, answer.Reason, err)
		}
	}
	return nil
}

// askNATS makes a stream with a copy on each server.
func askNATS(ctx context.Context, members []Member) error {
	servers := NATSURLs(members)
	nc, err := nats.Connect(strings.Join(servers, ","), nats.NoReconnect())
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: probeStream, Subjects: []string{probeStream}, Replicas: len(servers), Storage: jetstream.MemoryStorage,
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return err
	}
	return js.DeleteStream(ctx, probeStream)
}
