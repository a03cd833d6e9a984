package shard

import (
	"encoding/binary"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// beacon shows a number that it does not journal, unless it is told to part.
type beacon struct {
	glow   int64 // volatile
	kept   int64 // journaled
	epoch  uint64
	buffer []byte
}

type glow struct {
	value int64
	epoch uint64
}

func beaconKind() actors.Kind {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	method := actors.Method{Request: number, Allow: actors.Anyone}
	return actors.Kind{
		Name: "counter", Event: number, State: number, // the name that testNode asks for
		New:     func(string) actors.Behaviour { return new(beacon) },
		Methods: map[string]actors.Method{"Add": method, "Read": method},
	}
}

func (b *beacon) Decide(env *actors.Env, m *actors.Message, out *actors.Decision) error {
	n, _ := m.Body.(*wrapperspb.Int64Value)
	switch {
	case m.Parting:
		out.Event(wrapperspb.Int64(b.glow))
	case m.Method == "Read":
		out.Reply(m.ReplyTo, wrapperspb.Int64(b.kept))
	case n.GetValue() < 0:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "a beacon does not glow below 0")
	default:
		if b.kept == 0 {
			out.Event(wrapperspb.Int64(1)) // so that there is such an actor
		}
		out.Volatile = glow{n.GetValue(), env.Epoch}
		out.Reply(m.ReplyTo, n)
	}
	return nil
}

func (b *beacon) Apply(e proto.Message) error {
	b.kept = e.(*wrapperspb.Int64Value).GetValue()
	return nil
}

func (b *beacon) ApplyVolatile(change any) {
	g := change.(glow)
	b.glow, b.epoch = g.value, g.epoch
}

func (b *beacon) Busy() bool  { return b.glow > 0 }
func (b *beacon) Parts() bool { return b.glow > 0 }

// Cast uses its buffer again at once, as it may.
func (b *beacon) Cast(cast func(string, []byte)) {
	b.buffer = binary.BigEndian.AppendUint64(b.buffer[:0], b.epoch)
	b.buffer = binary.BigEndian.AppendUint64(b.buffer, uint64(b.glow))
	cast("beacon", b.buffer)
	clear(b.buffer)
}

func (b *beacon) Snapshot() proto.Message { return wrapperspb.Int64(b.kept) }

func (b *beacon) Restore(s proto.Message) error {
	b.kept = s.(*wrapperspb.Int64Value).GetValue()
	return nil
}

// shown is a frame of a beacon.
type shown struct{ epoch, glow uint64 }

// watchBeacons returns what beacons show from now on.
func watchBeacons(t testing.TB, stack *devstack.Stack, n *testNode) <-chan shown {
	t.Helper()
	nc, err := stack.ConnectNATS()
	must(t, err)
	t.Cleanup(nc.Close)
	frames := make(chan shown, 16)
	_, err = broadcast.New(nc, n.view.ClusterID()).Subscribe("beacon", func(b []byte) {
		frames <- shown{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
	})
	must(t, err)
	must(t, nc.Flush())
	return frames
}

func nextShown(t testing.TB, frames <-chan shown) shown {
	t.Helper()
	select {
	case f := <-frames:
		return f
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is shown")
		return shown{}
	}
}

func beacons(t testing.TB) func(*Config) {
	return func(c *Config) {
		var err error
		c.Kinds, err = actors.NewRegistry(beaconKind())
		must(t, err)
	}
}

// What an actor shows reaches whoever looks, with the epoch of its owner, and
// what it would lose in a move comes with it.
func TestShowAndPart(t *testing.T) {
	stack := devstack.Test(t)
	a, b := startNode(t, stack, "a", 0, beacons(t)), startNode(t, stack, "b", 0, beacons(t))
	pins := newAssigner(t, stack)
	for s := range cluster.ShardID(testShards) {
		pins.pin(s, "a")
	}
	a.ready()
	s := cluster.ActorID{Kind: "counter", ID: "x"}.Shard(testShards)
	for a.view.Routes().Owner(s).Node != "a" {
		<-a.view.Changed()
	}
	frames := watchBeacons(t, stack, a)

	a.sum("x", "Add", 7)
	first := nextShown(t, frames)
	if first.glow != 7 {
		t.Errorf("got %d shown, want 7", first.glow)
	}
	if answer := a.call("x", "Add", -1); answer.Code != clientv1.Code_CODE_INVALID_ARGUMENT {
		t.Errorf("Add -1: got %s, want a refusal", answer.Code)
	}
	a.sum("x", "Add", 8)
	if second := nextShown(t, frames); second.glow != 8 {
		t.Errorf("got %d shown after a refusal, want 8", second.glow)
	}

	pins.pin(s, "b")
	for r := receipt(t, []*testNode{a, b}); r.GetShard() != uint32(s) || r.GetTo() != "b"; r = receipt(t, []*testNode{a, b}) {
		if r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED {
			t.Fatalf("receipt: %v", r)
		}
	}
	if got := b.sum("x", "Read", 0); got != 8 {
		t.Errorf("after the move: got %d kept, want the 8 that glowed", got)
	}
	b.sum("x", "Add", 9)
	if third := nextShown(t, frames); third.glow != 9 || third.epoch <= first.epoch {
		t.Errorf("got %d shown at epoch %d by the second owner, want 9 at one above %d", third.glow, third.epoch, first.epoch)
	}
}

// A node whose lease may have run out shows nothing: somebody else may show
// something newer.
func TestNothingIsShownWithoutALease(t *testing.T) {
	stack := devstack.Test(t)
	n := startNode(t, stack, "a", 0, beacons(t))
	n.ready()
	frames := watchBeacons(t, stack, n)
	n.sum("x", "Add", 1)
	nextShown(t, frames)

	h := n.node.current.Load().shards[cluster.ActorID{Kind: "counter", ID: "x"}.Shard(testShards)].Load()
	must(t, h.do(t.Context(), func(h *hosted) {
		a, err := h.people.wake(actors.Ref{Kind: "counter", ID: "x"})
		must(t, err)
		h.inc.leased = func() bool { return false }
		h.message = actors.Message{Self: a.ref, Method: "Add", Body: wrapperspb.Int64(2)}
		h.turn(a, time.Now())
		h.inc.leased = func() bool { return true }
		h.message = actors.Message{Self: a.ref, Method: "Add", Body: wrapperspb.Int64(3)}
		h.turn(a, time.Now())
	}))
	if got := nextShown(t, frames); got.glow != 3 {
		t.Errorf("got %d shown, want only the 3 that was shown under the lease", got.glow)
	}
}

// Frames that wait are copies, and are bounded apart from everything else.
func TestFramesThatWait(t *testing.T) {
	l := &fakeLog{end: 1}
	var left []string
	b := newOutbox(l, func(o *output) {
		if o.frame != nil {
			left = append(left, string(o.frame))
		}
	}, NewMetrics(nil))
	frame := []byte("first")
	b.put(output{topic: "x", frame: frame})
	copy(frame, "later")
	for range maxFrames {
		b.put(output{topic: "x", frame: frame})
	}
	if got := b.waiting(); got != maxFrames {
		t.Errorf("%d wait, want %d", got, maxFrames)
	}
	if !b.put(call(1)) {
		t.Error("an answer was dropped because of frames")
	}
	l.durable = 1
	b.release(journal.Stamp(1))
	if len(left) != maxFrames || left[0] != "first" {
		t.Errorf("%d frames left, the first of them %q, want %d and %q", len(left), left[0], maxFrames, "first")
	}
	l.end = 2
	if !b.put(output{topic: "x", frame: frame}) {
		t.Error("no room for frames although none waits")
	}
}
