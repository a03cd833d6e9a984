package actorstest_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
)

// cell counts what it is told, and tells its friend, once each time.
type cell struct {
	id    string
	count int64
}

func (c *cell) Decide(_ *actors.Env, msg *actors.Message, out *actors.Decision) error {
	out.Event(wrapperspb.Int64(1))
	if msg.Method != "" {
		out.Send(actors.Ref{Kind: "cell", ID: "friend"}, wrapperspb.Int64(1))
		out.Reply(msg.ReplyTo, wrapperspb.Int64(c.count+1))
	}
	return nil
}

func (c *cell) Apply(e proto.Message) error {
	c.count += e.(*wrapperspb.Int64Value).GetValue()
	return nil
}
func (c *cell) Snapshot() proto.Message { return wrapperspb.Int64(c.count) }
func (c *cell) Restore(s proto.Message) error {
	c.count = s.(*wrapperspb.Int64Value).GetValue()
	return nil
}

func newWorld(t *testing.T, cfg actorstest.Config) *actorstest.World {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	cfg.Kinds = []actors.Kind{{
		Name: "cell", New: func(id string) actors.Behaviour { return &cell{id: id} }, Event: number, State: number,
		Methods: map[string]actors.Method{"Tell": {Request: number, Allow: actors.Anyone}},
	}}
	w, err := actorstest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func count(w *actorstest.World, id string) int64 {
	if c, ok := w.Actor(actors.Ref{Kind: "cell", ID: id}).(*cell); ok {
		return c.count
	}
	return 0
}

// TestCrashIsAConsistentCut: whatever a crash takes back, what was answered
// stays, and nobody has heard of what is gone.
func TestCrashIsAConsistentCut(t *testing.T) {
	lost, apart := 0, 0
	for seed := range uint64(500) {
		w := newWorld(t, actorstest.Config{Seed: seed, Nodes: 2, Place: func(r actors.Ref) int {
			if r.ID == "friend" && seed%2 == 0 {
				return 1
			}
			return 0
		}})
		answered := int64(0)
		for i := range 20 {
			w.After(time.Duration(i)*time.Millisecond, func() {
				w.Call(actorstest.Call{
					To: actors.Ref{Kind: "cell", ID: "one"}, Method: "Tell", Body: wrapperspb.Int64(1),
					Done: func(reply proto.Message, _ *actors.Refusal) {
						answered = max(answered, reply.(*wrapperspb.Int64Value).GetValue())
					},
				})
			})
		}
		before := int64(0)
		w.After(15*time.Millisecond, func() {
			before = count(w, "one")
			w.Crash(0, time.Millisecond)
		})
		if err := w.Run(17*time.Millisecond, nil); err != nil {
			t.Fatal(err)
		}
		one := count(w, "one")
		if one < before {
			lost++
		}
		if err := w.Run(time.Second, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Verify(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		one, friend := count(w, "one"), count(w, "friend")
		if one < answered || friend > one {
			t.Fatalf("seed %d: answered %d, counted %d, and the friend has heard of %d", seed, answered, one, friend)
		}
		if friend < one {
			apart++
		}
	}
	if lost < 50 || apart < 10 {
		t.Errorf("crashes lost events in %d of 500 seeds and messages in %d: too few to test anything", lost, apart)
	}
}

func TestOneSeedGivesOneRun(t *testing.T) {
	run := func(seed uint64) (trace string) {
		w := newWorld(t, actorstest.Config{Seed: seed, Nodes: 3, Loss: 0.2, Duplicate: 0.2, Journaled: func(r actors.Ref, _ proto.Message) {
			trace += r.ID + " "
		}})
		for i := range 50 {
			w.Call(actorstest.Call{To: actors.Ref{Kind: "cell", ID: string(rune('a' + i%5))}, Method: "Tell", Body: wrapperspb.Int64(1)})
		}
		if err := w.Run(time.Minute, nil); err != nil {
			t.Fatal(err)
		}
		return trace
	}
	if first, again := run(1), run(1); first != again {
		t.Error("one seed gives two runs")
	}
	if run(1) == run(2) {
		t.Error("two seeds give one run")
	}
}

func TestVerifyFindsStateThatIsNotFromEvents(t *testing.T) {
	w := newWorld(t, actorstest.Config{})
	w.Call(actorstest.Call{To: actors.Ref{Kind: "cell", ID: "one"}, Method: "Tell", Body: wrapperspb.Int64(1)})
	if err := w.Run(time.Second, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(); err != nil {
		t.Error(err)
	}
	w.Actor(actors.Ref{Kind: "cell", ID: "one"}).(*cell).count++
	if w.Verify() == nil {
		t.Error("Verify is content")
	}
}
