package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a cluster of two members, a and b, with a trail. Nobody plans and
// nobody records unless the test does.
type world struct {
	*testing.T
	etcd   *clientv3.Client
	js     jetstream.JetStream
	prefix string
	view   *cluster.View
	a, b   *cluster.Member
	trail  *Trail
}

func newWorld(t *testing.T) *world {
	t.Helper()
	stack := devstack.Test(t)
	etcd, err := cluster.Connect(cluster.ConnectConfig{Endpoints: stack.EtcdEndpoints()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcd.Close() })
	nc, err := stack.ConnectNATS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	w := &world{T: t, etcd: etcd, prefix: "/" + rand.Text()}
	if w.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	w.view, err = cluster.OpenView(t.Context(), etcd, cluster.Config{Shards: 6, Prefix: w.prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.view.Close)
	w.a, w.b = w.join("a"), w.join("b")
	w.trail = w.open()
	return w
}

func (w *world) join(name cluster.NodeName) *cluster.Member {
	w.Helper()
	m, err := cluster.Join(w.Context(), w.view, cluster.JoinConfig{Name: name, Address: cluster.Address(name), Roles: []string{cluster.RoleShard}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(m.Close)
	return m
}

// open opens the trail, with the clock of its own that a test may replace.
func (w *world) open() *Trail {
	w.Helper()
	trail, err := Open(w.Context(), w.js, w.view.ClusterID(), 1)
	if err != nil {
		w.Fatal(err)
	}
	return trail
}

// appoint makes m the coordinator, or nobody if it is nil.
func (w *world) appoint(m *cluster.Member) {
	w.Helper()
	var err error
	if m == nil {
		_, err = w.etcd.Delete(w.Context(), w.prefix+"/coordinator")
	} else {
		_, err = w.etcd.Put(w.Context(), w.prefix+"/coordinator", fmt.Sprintf(`{"incarnation":%q}`, m.Incarnation()))
	}
	if err != nil {
		w.Fatal(err)
	}
}

// acquire makes m the owner of a shard, and returns how to end that.
func (w *world) acquire(m *cluster.Member, s cluster.ShardID) (release func()) {
	w.Helper()
	h, err := m.Acquire(w.Context(), s)
	if err != nil {
		w.Fatal(err)
	}
	return func() {
		w.Helper()
		if err := m.Release(w.Context(), h, 0); err != nil {
			w.Fatal(err)
		}
	}
}

// record runs f, which ends by being stopped, in the background.
func (w *world) record(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stopped := false
	stop = func() {
		w.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.Errorf("recorder: got %v, want it to be stopped", err)
		}
	}
	w.Cleanup(stop)
	return stop
}

// recorder is one for member m, with a trail of its own.
func (w *world) recorder(m *cluster.Member) *recorder {
	w.Helper()
	return &recorder{trail: w.open(), view: w.view, me: m.Incarnation()}
}

// line writes a record down, without its times.
func line(r *clusterv1.OwnerRecord) string {
	name := func(o *clusterv1.Owner) string {
		if o == nil {
			return "nobody"
		}
		return o.GetNode()
	}
	return fmt.Sprintf("%d %s %s->%s at %d", r.GetShard(), r.GetEvent().String()[len("OWNER_EVENT_"):], name(r.GetWas()), name(r.GetOwner()), r.GetEpoch())
}

// all returns every record of an owner, in the order of the trail.
func (w *world) all() []*clusterv1.OwnerRecord {
	w.Helper()
	var out []*clusterv1.OwnerRecord
	err := w.trail.scan(w.Context(), w.trail.owners(), 1, func(body []byte) error {
		r := new(clusterv1.OwnerRecord)
		out = append(out, r)
		return unmarshal(body, r)
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// patience is for what takes milliseconds on an idle machine.
const patience = 30 * time.Second

// await waits until the trail has so many records of owners, and returns them.
func (w *world) await(n int) []*clusterv1.OwnerRecord {
	w.Helper()
	sub, err := w.js.Conn().SubscribeSync(w.trail.owners())
	if err != nil {
		w.Fatal(err)
	}
	defer sub.Unsubscribe()
	if err := w.js.Conn().Flush(); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	for {
		if all := w.all(); len(all) >= n {
			return all
		}
		if _, err := sub.NextMsgWithContext(ctx); err != nil {
			w.Fatalf("%d records, want %d: %v\n%s", len(w.all()), n, err, lines(w.all()))
		}
	}
}
