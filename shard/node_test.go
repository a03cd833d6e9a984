package shard

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	"github.com/holdfast-game/holdfast/cluster/peer"
	"github.com/holdfast-game/holdfast/cluster/router"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// testNode is a whole node without gateway and command line, against real etcd
// and NATS.
type testNode struct {
	t      testing.TB
	node   *Node
	view   *cluster.View
	router *router.Router
	js     jetstream.JetStream

	lease cluster.LeaseID
	moved chan *clusterv1.MoveReceipt
	// faults stand between the node and etcd.
	faults *clustertest.Faults
	stop   func() // drains, and waits
}

// testShards keeps the tests quick and still puts several actors into one shard.
const testShards = 8

func startNode(t testing.TB, stack *devstack.Stack, name string, predecessor cluster.LeaseID, setup ...func(*Config)) *testNode {
	t.Helper()
	return startFaulty(t, stack, name, predecessor, nil, setup...)
}

// startFaulty starts a node that hears of moves only what hear lets pass, and
// whose transactions can be given other fates. hear may be nil.
func startFaulty(t testing.TB, stack *devstack.Stack, name string, predecessor cluster.LeaseID,
	hear func(h *clusterv1.Handoff, deliver func(*clusterv1.Handoff)), setup ...func(*Config),
) *testNode {
	t.Helper()
	ctx := t.Context()
	n := &testNode{t: t, moved: make(chan *clusterv1.MoveReceipt, 1024)}
	client, err := cluster.Connect(cluster.ConnectConfig{Endpoints: stack.EtcdEndpoints()})
	must(t, err)
	n.faults = clustertest.Inject(client)
	nc, err := stack.ConnectNATS()
	must(t, err)
	n.js, err = jetstream.New(nc)
	must(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", name)
	n.view, err = cluster.OpenView(ctx, client, cluster.Config{Shards: testShards, Logger: log})
	must(t, err)
	mesh, err := peer.New(peer.Config{Listen: "127.0.0.1:0", Logger: log})
	must(t, err)
	n.router = router.New(router.Config{}, router.RoutesOf(n.view), mesh)
	mesh.HandleAnswers(n.router.Answered)
	kinds, err := actors.NewRegistry(counterKind())
	must(t, err)
	// So few live actors that counters fall asleep and wake all the time.
	cfg := Config{Kinds: kinds, Logger: log, LiveActors: 2 * testShards, ballastPiece: 4 << 10}
	for _, f := range setup {
		f(&cfg)
	}
	n.node, err = NewNode(cfg, Deps{
		View: n.view, Mesh: mesh, JetStream: n.js, Bus: broadcast.New(nc, n.view.ClusterID()),
		Join:   cluster.JoinConfig{Name: cluster.NodeName(name), Roles: []string{cluster.RoleShard}, Predecessor: predecessor},
		Joined: func(id cluster.LeaseID) error { n.lease = id; return nil },
		Moved:  func(_ context.Context, r *clusterv1.MoveReceipt) error { n.moved <- r; return nil },
	})
	must(t, err)
	if hear != nil {
		mesh.HandleHandoffs(func(h *clusterv1.Handoff) { hear(h, n.node.handoff) })
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- n.node.Run(run, 10*time.Second) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run %s: %v", name, err)
		}
		n.router.Close()
		n.view.Close()
		nc.Close()
		_ = client.Close() // its only error is that of its context
	})
	t.Cleanup(n.stop)
	return n
}

// ready waits until the node serves what it should.
func (n *testNode) ready() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 15*time.Second)
	defer cancel()
	for {
		changed, assigned := n.view.Changed(), n.view.AssignmentsChanged()
		err := n.node.Ready()
		if err == nil {
			return
		}
		select {
		case <-changed:
		case <-assigned:
		case <-time.After(20 * time.Millisecond): // being served is no event of the view
		case <-ctx.Done():
			n.t.Fatalf("not ready: %v", err)
		}
	}
}

// call asks a counter, as a player.
func (n *testNode) call(id, method string, amount int64) *cluster.Answer {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
	defer cancel()
	a, err := n.router.Call(ctx, &cluster.Command{
		To: cluster.ActorID{Kind: "counter", ID: id}, Method: method,
		Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(amount),
	})
	must(n.t, err)
	return a
}

// sum asks a counter and wants an answer.
func (n *testNode) sum(id, method string, amount int64) int64 {
	n.t.Helper()
	a := n.call(id, method, amount)
	if a.Code != 0 {
		n.t.Fatalf("%s %s: got %s %q, want success", method, id, a.Code, a.Text)
	}
	if a.Body == nil {
		v := new(wrapperspb.Int64Value)
		must(n.t, proto.Unmarshal(a.Payload, v))
		return v.GetValue()
	}
	return a.Body.(*wrapperspb.Int64Value).GetValue()
}

// books adds up all shards.
func (n *testNode) books() *clusterv1.ShardAudit {
	n.t.Helper()
	total := new(clusterv1.ShardAudit)
	for s := range cluster.ShardID(testShards) {
		ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Second)
		a, err := n.router.Call(ctx, &cluster.Command{
			To: cluster.ShardActor(s), Method: MethodAudit, Caller: cluster.Caller{Admin: true}, Body: new(clusterv1.AuditShard),
		})
		cancel()
		must(n.t, err)
		b, ok := a.Body.(*clusterv1.ShardAudit)
		if !ok {
			b = new(clusterv1.ShardAudit)
			must(n.t, proto.Unmarshal(a.Payload, b))
		}
		total.Actors += b.GetActors()
		total.StateHash += b.GetStateHash()
	}
	return total
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNodeServesAndRemembers(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	for i := range 100 { // more actors than may stay live
		id := fmt.Sprintf("c%d", i)
		if got, want := n.sum(id, "Add", int64(i)), int64(i); got != want {
			t.Fatalf("Add to %s: got %d, want %d", id, got, want)
		}
	}
	for i := range 100 {
		if got, want := n.sum(fmt.Sprintf("c%d", i), "Add", 1), int64(i+1); got != want {
			t.Fatalf("Add to c%d again: got %d, want %d", i, got, want)
		}
	}
	before := n.books()
	n.stop()

	again := startNode(t, stack, "a", 0)
	again.ready()
	after := again.books()
	if before.GetActors() != 100 || after.GetActors() != before.GetActors() || after.GetStateHash() != before.GetStateHash() {
		t.Fatalf("after a restart: got %d actors, hash %016x; want %d, %016x",
			after.GetActors(), after.GetStateHash(), before.GetActors(), before.GetStateHash())
	}
}

// A crash leaves a lease, open segments and an unsealed log behind. The same
// node's next life must be there at once; what was answered must be there.
func TestNodeComesBackFromACrash(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	for i := range 50 {
		n.sum(fmt.Sprintf("c%d", i), "Add", int64(i))
	}
	// The next life takes over while the first still runs: as harsh as a crash,
	// since the first has not released anything.
	start := time.Now()
	again := startNode(t, stack, "a", n.lease)
	again.ready()
	t.Logf("ready after %v", time.Since(start))
	for i := range 50 {
		if got, want := again.sum(fmt.Sprintf("c%d", i), "Read", 0), int64(i); got != want {
			t.Fatalf("c%d after the crash: got %d, want %d", i, got, want)
		}
	}
}

func TestTwoNodesShareTheShards(t *testing.T) {
	stack := devstack.Test(t)
	a := startNode(t, stack, "a", 0)
	a.ready()
	b := startNode(t, stack, "b", 0)
	b.ready()
	for i := range 40 { // through either node, to wherever it is owned
		id := fmt.Sprintf("c%d", i)
		if got, want := a.sum(id, "Add", 1)+b.sum(id, "Add", 1), int64(3); got != want {
			t.Fatalf("%s: got 1+%d, want 1+2", id, got-1)
		}
	}
	b.stop() // hands its shards back
	for i := range 40 {
		if got, want := a.sum(fmt.Sprintf("c%d", i), "Read", 0), int64(2); got != want {
			t.Fatalf("c%d after b left: got %d, want %d", i, got, want)
		}
	}
}

func TestFailuresStayWithTheirMessage(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	tests := []struct {
		method string
		amount int64
		want   clientv1.Code
	}{
		{"Panic", 0, clientv1.Code_CODE_INTERNAL},
		{"Huge", 0, clientv1.Code_CODE_INTERNAL},
		{"Refuse", 0, clientv1.Code_CODE_LIMIT_REACHED},
		{"Reset", 0, clientv1.Code_CODE_UNAUTHENTICATED},
		{"Nothing", 0, clientv1.Code_CODE_NOT_FOUND},
		{"Add", poison, clientv1.Code_CODE_INTERNAL},
	}
	for _, tt := range tests {
		if got := n.call("x", tt.method, tt.amount).Code; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.method, got, tt.want)
		}
		if got, want := n.sum("x", "Read", 0), int64(5); got != want {
			t.Errorf("x after %s: got %d, want %d", tt.method, got, want)
		}
	}
	stream, err := n.js.Stream(t.Context(), deadLetterStream(n.view.ClusterID()))
	must(t, err)
	info, err := stream.Info(t.Context())
	must(t, err)
	if info.State.Msgs != 3 {
		t.Errorf("dead letters: got %d, want 3", info.State.Msgs)
	}
}

// A panic between apply and append leaves a state that the log does not have. It
// must not be served, nor built upon: the next event would leave a gap.
func TestPanicBetweenApplyAndAppendIsForgotten(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	_, err := n.router.Call(ctx, &cluster.Command{
		To: cluster.ActorID{Kind: "counter", ID: "x"}, Method: "Trip", Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(100),
	})
	cancel()
	if err == nil {
		t.Error("a command whose turn panicked was answered")
	}
	if got, want := n.sum("x", "Add", 1), int64(6); got != want {
		t.Fatalf("x after the panic: got %d, want %d", got, want)
	}
	again := startNode(t, stack, "a", n.lease)
	again.ready()
	if got, want := again.sum("x", "Read", 0), int64(6); got != want {
		t.Errorf("x after a crash: got %d, want %d", got, want)
	}
}

// Without the lease nothing is answered that appends nothing, since somebody else
// may own the shard by now. What appends is judged by the log.
func TestReadsNeedTheLease(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	x := cluster.ActorID{Kind: "counter", ID: "x"}
	h := n.node.current.Load().shards[x.Shard(testShards)].Load()
	lease := func(held bool) {
		t.Helper()
		must(t, h.do(t.Context(), func(h *hosted) { h.inc.leased = func() bool { return held } }))
	}

	lease(false)
	for _, method := range []string{"Read", "Refuse", "Nothing"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		a, err := n.router.Call(ctx, &cluster.Command{To: x, Method: method, Caller: cluster.Caller{Player: "p"}, Body: wrapperspb.Int64(0)})
		cancel()
		if err == nil {
			t.Errorf("%s without the lease: got %v, want no answer", method, a)
		}
	}
	if got, want := n.sum("x", "Add", 1), int64(6); got != want {
		t.Errorf("Add without the lease: got %d, want %d", got, want)
	}
	lease(true)
	if got, want := n.sum("x", "Read", 0), int64(6); got != want {
		t.Errorf("Read with the lease: got %d, want %d", got, want)
	}
}

// A node whose log is sealed by somebody else must answer nothing more, and
// must come back as a new incarnation with what was durable before the seal.
func TestSealedNodeStartsAnew(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	first := n.node.current.Load()
	_, err := journal.Seal(t.Context(), n.js, first.logName, "somebody")
	must(t, err)
	// The append that this needs is refused, so the answer comes from the next
	// incarnation.
	if got, want := n.sum("x", "Add", 1), int64(6); got != want {
		t.Fatalf("x after the seal: got %d, want %d", got, want)
	}
	if now := n.node.current.Load(); now == first {
		t.Fatal("the sealed incarnation still serves")
	}
}

// The state that a checkpoint holds, with the log behind it, is the live state.
func TestCheckpointsAndTheLogGiveTheLiveState(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	inc := n.node.current.Load()
	for round := range 5 {
		for i := range 60 {
			n.sum(fmt.Sprintf("c%d", (i*7+round)%60), "Add", int64(i))
		}
		for i := range inc.shards {
			must(t, inc.takeCheckpoint(t.Context(), inc.shards[i].Load()))
		}
		must(t, inc.purge(t.Context()))
	}
	n.sum("c1", "Add", 1) // the tail
	before := n.books()
	again := startNode(t, stack, "a", n.lease)
	again.ready()
	after := again.books()
	if after.GetStateHash() != before.GetStateHash() || after.GetActors() != before.GetActors() {
		t.Fatalf("recovered: got %d actors, hash %016x; want %d, %016x",
			after.GetActors(), after.GetStateHash(), before.GetActors(), before.GetStateHash())
	}
}

// A node that crashes again and again must not have to replay more each time:
// what it replayed counts when the next checkpoint is due.
func TestReplayedTailBringsCheckpointsForward(t *testing.T) {
	stack := devstack.Test(t)
	const bytes = 8 << 10
	setup := func(c *Config) { c.CheckpointEvery, c.CheckpointBytes = time.Hour, bytes }
	add := func(n *testNode) (appended int64) { // two thirds of the allowance
		inc := n.node.current.Load()
		before := inc.appended.Load()
		for inc.appended.Load()-before < bytes*2/3 {
			n.sum("x", "Add", 1)
		}
		return inc.appended.Load()
	}
	n := startNode(t, stack, "a", 0, setup)
	n.ready()
	if got := add(n); got >= bytes {
		t.Fatalf("appended %d bytes at once, too many for this test", got)
	}
	again := startNode(t, stack, "a", n.lease, setup)
	again.ready()
	if got := add(again); got >= bytes {
		t.Fatalf("appended %d bytes at once, too many for this test", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(checkpointPace)
	defer tick.Stop()
	shard := cluster.ActorID{Kind: "counter", ID: "x"}.Shard(testShards)
	for {
		rec, _, err := again.view.Shard(t.Context(), shard)
		must(t, err)
		if rec.GetCurrent() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("no checkpoint, although two lives together have appended enough")
		}
	}
}

// What crashes leave behind goes away: logs that no shard names any more, and
// checkpoint objects that were never published.
func TestJanitorRemovesWhatNobodyNeeds(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0)
	n.ready()
	n.sum("x", "Add", 5)
	inc := n.node.current.Load()
	old := inc.logName
	orphan, err := inc.store.Write(t.Context(), 1, 1, 99, func(func(checkpoint.Actor) error) error { return nil })
	must(t, err)

	again := startNode(t, stack, "a", n.lease)
	again.ready()
	inc = again.node.current.Load()
	orphans := make(map[cluster.LogName]int)
	sweep := func() {
		for range orphanSweeps {
			must(t, inc.sweepLogs(t.Context(), orphans))
		}
		must(t, inc.sweepCheckpoints(t.Context()))
	}
	has := func(name cluster.LogName) bool {
		names, err := journal.List(t.Context(), again.js, again.view.ClusterID())
		must(t, err)
		return slices.Contains(names, name)
	}
	sweep()
	if !has(old) {
		t.Fatal("a log was deleted that shards still need")
	}
	for range 2 { // then neither the current nor the previous checkpoint needs it
		for i := range inc.shards {
			must(t, inc.takeCheckpoint(t.Context(), inc.shards[i].Load()))
		}
	}
	sweep()
	if has(old) {
		t.Error("a log that no shard names is still there")
	}
	objects, err := inc.store.List(t.Context())
	must(t, err)
	if slices.Contains(objects, orphan.GetObject()) {
		t.Errorf("%s is still there", orphan.GetObject())
	}
	if got, want := again.sum("x", "Read", 0), int64(5); got != want {
		t.Errorf("x after the sweep: got %d, want %d", got, want)
	}
}

// A campaign that folds the whole history afterwards needs all of it.
func TestRetainedLogsStay(t *testing.T) {
	stack := devstack.Test(t)
	retain := func(c *Config) { c.RetainLogs = true }
	n := startNode(t, stack, "a", 0, retain)
	n.ready()
	n.sum("x", "Add", 5)
	old := n.node.current.Load().logName
	again := startNode(t, stack, "a", n.lease, retain)
	again.ready()
	again.sum("x", "Add", 1)
	inc := again.node.current.Load()
	for range 3 { // then no checkpoint needs the old log, or the beginning of the new one
		for i := range inc.shards {
			must(t, inc.takeCheckpoint(t.Context(), inc.shards[i].Load()))
		}
		again.sum("x", "Add", 1)
		must(t, inc.purge(t.Context()))
	}
	orphans := make(map[cluster.LogName]int)
	for range orphanSweeps {
		must(t, inc.sweepLogs(t.Context(), orphans))
	}
	for _, name := range []cluster.LogName{old, inc.logName} {
		x, err := journal.Measure(t.Context(), again.js, name)
		must(t, err)
		if x.First != 1 || x.Last == 0 {
			t.Errorf("log %s: got entries %d to %d, want all from the first", name, x.First, x.Last)
		}
	}
}
