package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/streams"
)

// A log is a stream of its name with two subjects,
//
//	holdfast.log.<cluster>.<name>.entry
//	holdfast.log.<cluster>.<name>.seal
//
// which share one sequence. Seals have their own so that the first one is found
// without reading the log.
const (
	subjectPrefix = "holdfast.log."
	entrySuffix   = ".entry"
	sealSuffix    = ".seal"
)

func streamConfig(cfg Config) jetstream.StreamConfig {
	base := subjectPrefix + cfg.Cluster + "." + string(cfg.Name)
	return jetstream.StreamConfig{
		Name:        string(cfg.Name),
		Description: "Holdfast node log of " + string(cfg.Incarnation),
		Subjects:    []string{base + entrySuffix, base + sealSuffix},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		Storage:     jetstream.FileStorage,
		Replicas:    cfg.Replicas,
		DenyDelete:  true,
		AllowDirect: true,
	}
}

// createStream creates the log's stream. That it exists already is an error
// only if it has entries: the answer to an earlier try may have been lost.
func createStream(ctx context.Context, js jetstream.JetStream, cfg Config) (jetstream.Stream, error) {
	stream, err := streams.Insist(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		return js.CreateStream(ctx, streamConfig(cfg))
	})
	if err != nil {
		return nil, fmt.Errorf("create log %s: %w", cfg.Name, err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("create log %s: %w", cfg.Name, err)
	}
	if info.State.LastSeq != 0 {
		return nil, fmt.Errorf("create log %s: %w: it has %d entries", cfg.Name, ErrExists, info.State.LastSeq)
	}
	return stream, nil
}

// findStream looks a log up.
func findStream(ctx context.Context, js jetstream.JetStream, name cluster.LogName) (jetstream.Stream, *jetstream.StreamInfo, error) {
	stream, err := js.Stream(ctx, string(name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, ErrNoLog
	}
	if err != nil {
		return nil, nil, err
	}
	return stream, stream.CachedInfo(), nil
}

// sealSubject returns where the log takes its seals.
func sealSubject(info *jetstream.StreamInfo) (string, error) {
	for _, s := range info.Config.Subjects {
		if strings.HasPrefix(s, subjectPrefix) && strings.HasSuffix(s, sealSuffix) {
			return s, nil
		}
	}
	return "", fmt.Errorf("stream %s is not a log", info.Config.Name)
}

// directGet returns the subject that answers reads of the stream. Any replica
// may answer; what it returns is committed, what it does not have yet may be.
func directGet(js jetstream.JetStream, name cluster.LogName) string {
	o := js.Options()
	prefix := jetstream.DefaultAPIPrefix
	switch {
	case o.Domain != "":
		prefix = "$JS." + o.Domain + ".API."
	case o.APIPrefix != "":
		prefix = strings.TrimSuffix(o.APIPrefix, ".") + "."
	}
	return prefix + "DIRECT.GET." + string(name)
}

// status returns the NATS status that a message without contents carries, "" if
// it has none.
func status(m *nats.Msg) string {
	if len(m.Data) != 0 {
		return ""
	}
	return m.Header.Get("Status")
}

const (
	statusNothing      = "404"
	statusNoResponders = "503"
	statusEndOfBatch   = "204"
)

// Delete removes a log. Nobody must need it any more, and its writer must have
// been fenced: a writer whose log vanishes only sees that nobody answers.
func Delete(ctx context.Context, js jetstream.JetStream, name cluster.LogName) error {
	err := js.DeleteStream(ctx, string(name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = ErrNoLog
	}
	if err != nil {
		return fmt.Errorf("delete log %s: %w", name, err)
	}
	return nil
}

// List returns the names of all logs of a cluster.
func List(ctx context.Context, js jetstream.JetStream, clusterID string) ([]cluster.LogName, error) {
	var names []cluster.LogName
	lister := js.StreamNames(ctx, jetstream.WithStreamListSubject(subjectPrefix+clusterID+".>"))
	for n := range lister.Name() {
		names = append(names, cluster.LogName(n))
	}
	if err := lister.Err(); err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	return names, nil
}
