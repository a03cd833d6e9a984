package requests_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// counter is a kind that adds up what it is given, and answers with the sum.
type counter struct{ sum int64 }

func (c *counter) Decide(_ *actors.Env, msg *actors.Message, out *actors.Decision) error {
	n := msg.Body.(*wrapperspb.Int64Value)
	switch msg.Method {
	case "Add":
		out.Event(n)
		out.Reply(msg.ReplyTo, wrapperspb.Int64(c.sum+n.GetValue()))
	case "Refuse":
		out.Refuse(msg.ReplyTo, actors.Refusef(clientv1.Code_CODE_LIMIT_REACHED, "the sum is %d", c.sum))
	case "Fail":
		return actors.Refusef(clientv1.Code_CODE_UNAVAILABLE, "the sum is %d", c.sum)
	case "Read":
		out.Reply(msg.ReplyTo, wrapperspb.Int64(c.sum))
	case "Silent", "":
		out.Event(n)
	}
	return nil
}

func (c *counter) Apply(e proto.Message) error {
	c.sum += e.(*wrapperspb.Int64Value).GetValue()
	return nil
}
func (c *counter) Snapshot() proto.Message { return wrapperspb.Int64(c.sum) }
func (c *counter) Restore(s proto.Message) error {
	c.sum = s.(*wrapperspb.Int64Value).GetValue()
	return nil
}

// bench drives one actor and keeps its events.
type bench struct {
	t      *testing.T
	kind   actors.Kind
	actor  actors.Behaviour
	now    time.Time
	events []proto.Message
}

func newBench(t *testing.T, l requests.Limits) *bench {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	k := requests.Once(actors.Kind{
		Name: "counter", New: func(string) actors.Behaviour { return new(counter) }, Event: number, State: number,
	}, l)
	return &bench{t: t, kind: k, actor: k.New("x"), now: time.Unix(1000, 0)}
}

// call returns the answer as text.
func (b *bench) call(caller, method string, request uint64, n int64) string {
	var out actors.Decision
	msg := &actors.Message{
		Method: method, Request: request, Caller: actors.Caller{Player: actors.PlayerID(caller)},
		Body: wrapperspb.Int64(n), ReplyTo: b,
	}
	if err := b.actor.Decide(&actors.Env{Now: b.now}, msg, &out); err != nil {
		var r *actors.Refusal
		if errors.As(err, &r) {
			return r.Error()
		}
		return "error"
	}
	for _, e := range out.Events {
		b.events = append(b.events, e)
		if err := b.actor.Apply(e); err != nil {
			b.t.Fatal(err)
		}
	}
	if len(out.Replies) != 1 || out.Replies[0].To != actors.ReplyTo(b) {
		return "silence"
	}
	if r := out.Replies[0].Refusal; r != nil {
		return r.Error()
	}
	return fmt.Sprint(out.Replies[0].Body.(*wrapperspb.Int64Value).GetValue())
}

// restart brings the actor back from its events, or from a snapshot.
func (b *bench) restart(snapshot bool) {
	state := b.actor.Snapshot()
	b.actor = b.kind.New("x")
	if snapshot {
		if err := b.actor.Restore(state); err != nil {
			b.t.Fatal(err)
		}
	} else {
		for _, e := range b.events {
			if err := b.actor.Apply(e); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	if !proto.Equal(b.actor.Snapshot(), state) {
		b.t.Errorf("came back as %v, was %v", b.actor.Snapshot(), state)
	}
}

func TestOnce(t *testing.T) {
	b := newBench(t, requests.Limits{Answers: 3})
	for i, step := range []struct {
		caller, method string
		request        uint64
		n              int64
		want           string
	}{
		{"ann", "Add", 1, 5, "5"},
		{"bob", "Add", 1, 5, "10"},
		{"ann", "Add", 1, 5, "5"}, // a copy
		{"ann", "Add", 1, 6, "CODE_INVALID_ARGUMENT: the request's number was used before with other contents"},
		{"ann", "Refuse", 1, 5, "CODE_INVALID_ARGUMENT: the request's number was used before with other contents"},
		{"ann", "Refuse", 2, 0, "CODE_LIMIT_REACHED: the sum is 10"},
		{"bob", "Fail", 2, 0, "CODE_UNAVAILABLE: the sum is 10"},
		{"bob", "Add", 3, 1, "11"},
		{"ann", "Refuse", 2, 0, "CODE_LIMIT_REACHED: the sum is 10"}, // is remembered
		{"bob", "Fail", 2, 0, "CODE_UNAVAILABLE: the sum is 11"},     // is not
		{"ann", "Read", 0, 0, "11"},
		{"ann", "Add", 0, 1, "CODE_INVALID_ARGUMENT: request: must be numbered from 1"},
		{"ann", "Silent", 4, 1, "error"},
		{"ann", "Add", 1 << 33, 1, "CODE_INVALID_ARGUMENT: the request's number is too far ahead of the caller's other requests"},
		{"ann", "Add", 9, 1, "12"},
		{"ann", "Add", 8, 1, "13"}, // the table of three is full: 1 gives way
		{"ann", "Add", 1, 5, "CODE_EXPIRED_REQUEST: the request was closed long ago; its answer is forgotten"},
		{"ann", "Refuse", 2, 0, "CODE_LIMIT_REACHED: the sum is 10"},
		{"", "", 0, 7, "silence"}, // a message of another actor
		{"ann", "Read", 0, 0, "20"},
	} {
		if got := b.call(step.caller, step.method, step.request, step.n); got != step.want {
			t.Errorf("step %d: %s %s %d: got %q, want %q", i, step.caller, step.method, step.request, got, step.want)
		}
		b.restart(i%2 == 0)
	}
}

func TestOnceForgetsNoCallerTooEarly(t *testing.T) {
	b := newBench(t, requests.Limits{Callers: 2, Memory: time.Hour})
	b.call("ann", "Add", 1, 1)
	b.now = b.now.Add(30 * time.Minute)
	b.call("bob", "Add", 1, 1)
	b.now = b.now.Add(29 * time.Minute)
	if got, want := b.call("eve", "Add", 1, 1), "CODE_OVERLOADED: too many callers to remember"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := b.call("ann", "Add", 1, 1); got != "1" {
		t.Errorf("ann's copy was answered %q", got)
	}
	b.now = b.now.Add(time.Minute)
	if got := b.call("eve", "Add", 1, 1); got != "3" {
		t.Errorf("eve was answered %q after an hour", got)
	}
	b.restart(false)
	if got := b.call("bob", "Add", 1, 1); got != "2" {
		t.Errorf("bob's copy was answered %q: the wrong caller was forgotten", got)
	}
}
