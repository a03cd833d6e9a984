// Package guild is an example of a kind of actor: the treasury of a guild, into
// which every player may pay. It owns the treasury's balance. Whoever hosts it
// registers Kind beside the other kinds; it does not know who is a member.
package guild

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Kind returns the kind "guild". Its methods are Deposit and Withdraw, which
// take an amount and need a request number, and Balance, which takes nothing.
// All answer with the balance.
func Kind() actors.Kind {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	nothing := func() proto.Message { return new(emptypb.Empty) }
	return requests.Once(actors.Kind{
		Name:  "guild",
		New:   func(string) actors.Behaviour { return new(treasury) },
		Event: number, // what was paid in, or out if negative
		State: number, // the balance
		Methods: map[string]actors.Method{
			"Deposit":  {Request: number, Allow: actors.Anyone},
			"Withdraw": {Request: number, Allow: actors.Admin},
			"Balance":  {Request: nothing, Allow: actors.Anyone},
		},
	}, requests.Limits{})
}

type treasury struct {
	balance int64
}

// Decide changes nothing: it says what should happen.
func (t *treasury) Decide(_ *actors.Env, msg *actors.Message, out *actors.Decision) error {
	var change int64
	if m, ok := msg.Body.(*wrapperspb.Int64Value); ok {
		if change = m.GetValue(); change < 1 || change > 1_000_000 {
			return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "amount: must be 1 to 1,000,000")
		}
		if msg.Method == "Withdraw" {
			change = -change
		}
		if t.balance+change < 0 {
			out.Refuse(msg.ReplyTo, actors.Refusef(clientv1.Code_CODE_INSUFFICIENT_FUNDS, "the treasury holds %d", t.balance))
			return nil // remembered: a late copy is refused as well
		}
		out.Event(wrapperspb.Int64(change))
	}
	out.Reply(msg.ReplyTo, wrapperspb.Int64(t.balance+change))
	return nil
}

// Apply folds an event in, when it happens and whenever it is replayed.
func (t *treasury) Apply(event proto.Message) error {
	t.balance += event.(*wrapperspb.Int64Value).GetValue()
	if t.balance < 0 {
		return fmt.Errorf("the treasury holds %d", t.balance)
	}
	return nil
}

func (t *treasury) Snapshot() proto.Message { return wrapperspb.Int64(t.balance) }

func (t *treasury) Restore(snapshot proto.Message) error {
	t.balance = snapshot.(*wrapperspb.Int64Value).GetValue()
	return nil
}
