package shard

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// counter is the smallest kind that shows what the host must do: a sum that
// events add to, messages to other counters, timers, volatile work and ways to
// fail.
type counter struct {
	sum   int64
	busy  bool
	wakes time.Time // when it wants to be woken; zero for never
}

// poison is an amount that apply cannot stand.
const poison = 666

func counterKind() actors.Kind {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	method := actors.Method{Request: number, Allow: actors.Anyone}
	return actors.Kind{
		Name: "counter", Event: number, State: number,
		New: func(string) actors.Behaviour { return new(counter) },
		Methods: map[string]actors.Method{
			"Add": method, "Read": method, "Panic": method, "Refuse": method, "Tell": method, "Whisper": method, "Huge": method, "Trip": method,
			"Reset": {Request: number, Allow: actors.Admin},
		},
	}
}

func (c *counter) Decide(_ *actors.Env, m *actors.Message, out *actors.Decision) error {
	n, _ := m.Body.(*wrapperspb.Int64Value)
	switch {
	case m.Timer:
		out.Event(wrapperspb.Int64(1000))
		out.Volatile = time.Time{}
		return nil
	case m.Method == "Read":
		out.Reply(m.ReplyTo, wrapperspb.Int64(c.sum))
		return nil
	case m.Method == "Panic":
		panic("as asked")
	case m.Method == "Refuse":
		return actors.Refusef(clientv1.Code_CODE_LIMIT_REACHED, "as asked")
	case m.Method == "Huge":
		for range 60_000 {
			out.Event(wrapperspb.Int64(1))
		}
		return nil
	case m.Method == "Trip": // applied, and then it panics before anything is appended
		out.Event(wrapperspb.Int64(n.GetValue()))
		out.Volatile = "trip"
		return nil
	case m.Method == "Whisper": // tells, and has no event of its own
		out.Send(actors.Ref{Kind: "counter", ID: counterName(n.GetValue())}, wrapperspb.Int64(1))
	case m.Method == "Tell": // n names the counter to add one to
		out.Send(actors.Ref{Kind: "counter", ID: counterName(n.GetValue())}, wrapperspb.Int64(1))
		out.Event(wrapperspb.Int64(0))
	default:
		out.Event(wrapperspb.Int64(n.GetValue()))
	}
	out.Reply(m.ReplyTo, wrapperspb.Int64(c.sum+n.GetValue()))
	return nil
}

func (c *counter) Apply(e proto.Message) error {
	n := e.(*wrapperspb.Int64Value).GetValue()
	if n == poison {
		panic("poison")
	}
	c.sum += n
	return nil
}

func (c *counter) ApplyVolatile(change any) {
	switch v := change.(type) {
	case bool:
		c.busy = v
	case time.Time:
		c.wakes = v
	case string:
		panic(v)
	}
}

func (c *counter) Busy() bool { return c.busy }

func (c *counter) NextTimer() (time.Time, bool) { return c.wakes, !c.wakes.IsZero() }

func (c *counter) Snapshot() proto.Message { return wrapperspb.Int64(c.sum) }

func (c *counter) Restore(s proto.Message) error {
	c.sum = s.(*wrapperspb.Int64Value).GetValue()
	return nil
}

func (c *counter) Accounts(add func(string, int64)) { add("counter/sum", c.sum) }

func counterName(n int64) string { return string(rune('a' + n)) }
