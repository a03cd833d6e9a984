package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// until waits for cond, looking again whenever changed says that something did.
func until(t testing.TB, what string, changed func() <-chan struct{}, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		ch := changed()
		if cond() {
			return
		}
		select {
		case <-ch:
		case <-ctx.Done():
			t.Fatalf("waited 10 s in vain: %s", what)
		}
	}
}

func join(t testing.TB, v *cluster.View, name cluster.NodeName, predecessor cluster.LeaseID) (*cluster.Member, error) {
	m, err := cluster.Join(t.Context(), v, cluster.JoinConfig{
		Name: name, Address: "10.0.0.1:7", Roles: []string{cluster.RoleShard}, Predecessor: predecessor,
	})
	if err == nil {
		t.Cleanup(m.Close)
	}
	return m, err
}

func TestJoinAndLeave(t *testing.T) {
	v := clustertest.Start(t).View(cluster.Config{})
	m, err := join(t, v, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Valid() || m.Err() != nil {
		t.Errorf("after joining: valid %v, err %v", m.Valid(), m.Err())
	}
	_, err = join(t, v, "a", 0)
	wantErr(t, "second node of that name", err, cluster.ErrNameTaken)

	h, err := m.Acquire(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the route", v.Changed, func() bool { return v.Routes().Owner(3).Owned() })
	want := cluster.Route{Node: "a", Incarnation: m.Incarnation(), Address: "10.0.0.1:7", Epoch: h.Epoch}
	if got := v.Routes().Owner(3); got != want {
		t.Errorf("route: got %+v, want %+v", got, want)
	}
	if got := v.Nodes(); len(got) != 1 || got[0].GetName() != "a" || got[0].GetState() != clusterv1.NodeState_NODE_STATE_UP {
		t.Errorf("nodes: got %v, want a, up", got)
	}

	for range 2 { // The second time there is nothing left to do.
		if err := m.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m.Valid() || !errors.Is(m.Err(), cluster.ErrLeft) {
		t.Errorf("after leaving: valid %v, err %v", m.Valid(), m.Err())
	}
	until(t, "the shard is free", v.Changed, func() bool { return !v.Routes().Owner(3).Owned() })
	_, err = m.Acquire(t.Context(), 3)
	wantErr(t, "acquire after leaving", err, cluster.ErrLeft)
	if _, err := join(t, v, "a", 0); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}

func TestPredecessorIsRevoked(t *testing.T) {
	v := clustertest.Start(t).View(cluster.Config{TTL: 60 * time.Second})
	old, err := join(t, v, "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Acquire(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	old.Close() // Killed: its lease has a minute to go.
	_, err = join(t, v, "a", 0)
	wantErr(t, "restart that does not know its predecessor", err, cluster.ErrNameTaken)
	m, err := join(t, v, "a", old.LeaseID())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Acquire(t.Context(), 0); err != nil {
		t.Errorf("its predecessor's shard is not free: %v", err)
	}
	if m.Incarnation() == old.Incarnation() {
		t.Errorf("both lives are called %s", m.Incarnation())
	}
}

func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	v := clustertest.Start(t).View(cluster.Config{TTL: time.Second})
	dead, live := clustertest.Join(t, v, "dead"), clustertest.Join(t, v, "live")
	if _, err := dead.Acquire(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := live.Acquire(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	until(t, "both routes", v.Changed, func() bool { return v.Routes().Owner(0).Owned() && v.Routes().Owner(1).Owned() })
	dead.Close()
	until(t, "the dead one's shard is free", v.Changed, func() bool { return !v.Routes().Owner(0).Owned() })
	if _, err := live.Acquire(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if !live.Valid() || !v.Routes().Owner(1).Owned() {
		t.Error("the live one lost its lease as well")
	}
}

func TestWithoutProgressShardsAreLetGo(t *testing.T) {
	t.Parallel()
	v := clustertest.Start(t).View(cluster.Config{TTL: time.Second})
	m, err := cluster.Join(t.Context(), v, cluster.JoinConfig{Name: "a", Address: "a:1", Progress: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if _, err := m.Acquire(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	<-m.Done()
	if m.Valid() || !errors.Is(m.Err(), cluster.ErrLeaseLost) {
		t.Errorf("valid %v, err %v, want the lease lost", m.Valid(), m.Err())
	}
	until(t, "the shard was seen owned and is free", v.Changed, func() bool {
		return v.Routes().Version() > 0 && !v.Routes().Owner(0).Owned()
	})
}

func TestRevokedByAnother(t *testing.T) {
	t.Parallel()
	b := newPair(t, nil)
	b.expire()
	<-b.a.Done()
	wantErr(t, "member", b.a.Err(), cluster.ErrLeaseLost)
	if b.a.Valid() {
		t.Error("valid without a lease")
	}
	_, err := b.a.Acquire(t.Context(), 0)
	wantErr(t, "acquire", err, cluster.ErrLeaseLost)
	wantErr(t, "set state", b.a.SetState(t.Context(), clusterv1.NodeState_NODE_STATE_DRAINING), cluster.ErrLeaseLost)
	if err := b.a.Leave(t.Context()); err != nil {
		t.Errorf("leave: %v", err)
	}
}

func TestLossIsFoundByATransaction(t *testing.T) {
	e := clustertest.Start(t)
	m := clustertest.Join(t, e.View(cluster.Config{TTL: time.Hour}), "a") // No keepalive for ten minutes.
	if _, err := e.Client().Revoke(t.Context(), m.LeaseID()); err != nil {
		t.Fatal(err)
	}
	_, err := m.Acquire(t.Context(), 0)
	wantErr(t, "acquire", err, cluster.ErrLeaseLost)
}

func TestLossEndsTransactionsWithoutAnswer(t *testing.T) {
	b := newPair(t, nil)
	lost := false
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate {
		if !lost {
			lost = true
			b.expire()
		}
		return clustertest.LoseRequest
	})
	_, err := b.a.Acquire(t.Context(), 0) // The context has no end.
	wantErr(t, "acquire", err, cluster.ErrLeaseLost)
}

func TestJoinWhoseAnswerIsLost(t *testing.T) {
	e := clustertest.Start(t)
	client := e.Client()
	v, err := cluster.OpenView(t.Context(), client, cluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	clustertest.Inject(client).Next(clustertest.LoseAnswer)
	if _, err := join(t, v, "a", 0); err != nil {
		t.Error(err)
	}
}

func TestSetState(t *testing.T) {
	b := newPair(t, nil)
	const up, draining = clusterv1.NodeState_NODE_STATE_UP, clusterv1.NodeState_NODE_STATE_DRAINING
	seen := func(want clusterv1.NodeState) {
		t.Helper()
		until(t, want.String(), b.view.NodesChanged, func() bool {
			nodes := b.view.Nodes()
			return len(nodes) > 0 && nodes[0].GetName() == "a" && nodes[0].GetState() == want
		})
	}
	if err := b.a.SetState(t.Context(), draining); err != nil {
		t.Fatal(err)
	}
	seen(draining)
	b.faults.Next(clustertest.LoseAnswer)
	if err := b.a.SetState(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	seen(up)

	ctx, cancel := context.WithCancel(t.Context())
	b.faults.Decide(func(*pb.TxnRequest) clustertest.Fate { cancel(); return clustertest.Delay })
	wantErr(t, "set state", b.a.SetState(ctx, draining), cluster.ErrUnavailable)
	b.faults.Decide(nil)
	if err := b.a.SetState(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	if landed, err := b.faults.Flush(t.Context()); landed != 0 || err != nil {
		t.Errorf("%d late transactions took effect, %v, want none", landed, err)
	}
}

func TestKeepaliveOutlivesARestartOfEtcd(t *testing.T) {
	t.Parallel()
	e := clustertest.Start(t)
	v := e.View(cluster.Config{})
	m := clustertest.Join(t, v, "a")
	e.Restart()
	// An etcd that starts gives every lease its whole TTL again. The member
	// knows only what it is told, and is told in time.
	other := e.View(cluster.Config{})
	h, err := m.Acquire(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*cluster.View{v, other} {
		until(t, "the watch goes on", v.Changed, func() bool { return v.Routes().Owner(0).Epoch == h.Epoch })
	}
	if !m.Valid() {
		t.Error("not valid")
	}
}
