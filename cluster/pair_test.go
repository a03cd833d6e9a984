package cluster_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// pair is a cluster with two members, a and b. Each has its own client, and
// a's has faults.
type pair struct {
	*testing.T
	prefix string
	raw    *clientv3.Client
	faults *clustertest.Faults
	view   *cluster.View
	a, b   *cluster.Member
}

// newBench makes one in etcd e, or in an etcd of its own if e is nil.
func newPair(t *testing.T, e *clustertest.Etcd) *pair {
	t.Helper()
	if e == nil {
		e = clustertest.Start(t)
	}
	cfg := cluster.Config{Shards: 8, Prefix: "/" + rand.Text()}
	client := e.Client()
	v, err := cluster.OpenView(t.Context(), client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	b := &pair{T: t, prefix: cfg.Prefix, raw: e.Client(), faults: clustertest.Inject(client), view: v}
	b.a = clustertest.Join(t, v, "a")
	b.b = clustertest.Join(t, e.View(cfg), "b")
	return b
}

// record reads /shards/0, and fails the test if it cannot.
func (b *pair) record() *clusterv1.Shard {
	b.Helper()
	rec, _, err := b.view.Shard(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

// owner reads who owns shard 0: a name, a colon and the epoch, or "nobody".
func (b *pair) owner() string {
	b.Helper()
	for _, m := range []*cluster.Member{b.a, b.b} {
		owned, err := m.Owned(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if len(owned) > 0 {
			return fmt.Sprintf("%s:%d", m.Name(), b.record().GetEpoch())
		}
	}
	return "nobody"
}

// acquire is Acquire of shard 0 that must succeed.
func (b *pair) acquire(m *cluster.Member) *cluster.Holding {
	b.Helper()
	h, err := m.Acquire(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// serve is Acquire and Serve of shard 0, from entry 5 of the member's log.
func (b *pair) serve(m *cluster.Member, closeAt cluster.LogSeq) *cluster.Holding {
	b.Helper()
	h := b.acquire(m)
	if err := m.Serve(b.Context(), h, closeAt, logOf(m), 5); err != nil {
		b.Fatal(err)
	}
	return h
}

// expire ends a's lease without its knowledge, as if it had been paused.
func (b *pair) expire() {
	b.Helper()
	if _, err := b.raw.Revoke(b.Context(), b.a.LeaseID()); err != nil {
		b.Fatal(err)
	}
}

func logOf(m *cluster.Member) cluster.LogName { return cluster.LogName("log-" + m.Name()) }

func checkpoint(m *cluster.Member, epoch cluster.Epoch, from uint64, objects ...string) *clusterv1.Checkpoint {
	cp := &clusterv1.Checkpoint{
		From:    &clusterv1.Position{Log: string(logOf(m)), Seq: from},
		Through: &clusterv1.Position{Log: string(logOf(m)), Seq: from},
		Epoch:   uint64(epoch),
	}
	for _, o := range objects {
		cp.Parts = append(cp.Parts, &clusterv1.Part{Object: o})
	}
	return cp
}

// key says whether a key is in a folder, for Faults.Ignore.
func key(dir string) func(string) bool {
	return func(k string) bool { return strings.Contains(k, dir) }
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
