package actors

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Ref names an actor: its kind, and its id within the kind.
type Ref struct {
	Kind, ID string
}

func (r Ref) String() string { return r.Kind + "/" + r.ID }

// PlayerID is the id of a player, as the token's subject has it.
type PlayerID string

// SKU names a product.
type SKU string

// Behaviour is one actor. The host calls it from one goroutine at a time and
// never keeps what Decide returned past the next call.
type Behaviour interface {
	// Decide answers one message by filling in out. It changes nothing: neither
	// journaled state (Apply does that) nor volatile state (ApplyVolatile).
	// An error (usually a *Refusal) is answered to the caller, if one waits,
	// and whatever out holds is ignored.
	Decide(env *Env, msg *Message, out *Decision) error

	// Apply folds one event into the state. It must be deterministic and must
	// accept every event that any earlier version has written. An error means
	// that the state is corrupt: the host stops the shard.
	Apply(event proto.Message) error

	// Snapshot returns the journaled state, without volatile parts, such that
	// equal states give equal bytes once marshalled deterministically.
	Snapshot() proto.Message

	// Restore replaces the state of a new actor by a snapshot.
	Restore(snapshot proto.Message) error
}

// Volatile is a Behaviour with state that is not journaled: it is lost in a
// crash and left behind in a move, and retries bring it back.
type Volatile interface {
	// ApplyVolatile takes Decision.Volatile, after the events were applied.
	ApplyVolatile(change any)
	// Busy says that there is volatile work, so that the actor must not be
	// passivated now.
	Busy() bool
}

// Timed is a Behaviour that wants to be woken.
type Timed interface {
	// NextTimer says when the actor wants a message with Timer set; false for
	// never. The host asks after every message and after recovery, a move or a
	// wake. The message may come late, and may come early.
	NextTimer() (time.Time, bool)
}

// Caster is a Behaviour that shows volatile state to whoever looks: a world that
// moves.
type Caster interface {
	// Cast hands frames to whoever is subscribed to their topics. The host calls
	// it after ApplyVolatile. A frame leaves as soon as the events before it are
	// durable, may be lost, and may be reused when cast has returned.
	Cast(cast func(topic string, frame []byte))
}

// Parter is a Behaviour with volatile state that is worth keeping when its shard
// changes hands in good order.
type Parter interface {
	// Parts says whether the actor wants a message with Parting set, now that its
	// shard is about to leave this node.
	Parts() bool
}

// Accountant is a Behaviour with books: amounts that operators sum over all
// actors, and whose sums must fit each other.
type Accountant interface {
	// Accounts reports the amounts this actor holds, by account.
	Accounts(add func(account string, amount int64))
}

// Env is what a decision may look at besides the state and the message.
type Env struct {
	Now time.Time
	// Epoch counts the owners that the actor's shard has had. It tells what this
	// one shows from what an earlier one, which has not heard yet, still shows.
	Epoch uint64
	// Local says whether an actor lives on this node, where messages to it
	// cost no second commit. A hint.
	Local func(Ref) bool
}

// Message is what an actor is asked to answer: exactly one of a command of a
// client or operator (Method is set), a message of another actor (From is
// set), a timer (Timer is true) or a farewell (Parting is true).
type Message struct {
	// Self is the actor that the message is for.
	Self Ref

	Method  string
	Caller  Caller
	Request uint64 // as in the client's Call; 0 when the method has no number

	From Ref

	Timer bool

	// Parting: this is the last message that the actor answers on this node,
	// unless the move comes to nothing. See Parter.
	Parting bool

	// Body is decoded; nil for a timer and a farewell. The behaviour must not change it.
	Body proto.Message

	// ReplyTo goes into Decision.Reply, now or in a later decision; kept
	// meanwhile in volatile state. nil when nobody waits.
	ReplyTo ReplyTo
}

// ReplyTo is the way back to whoever waits for the answer to a command. It is
// opaque to behaviours.
type ReplyTo any

// Caller is whom the gateway, or the admin listener, has authenticated.
type Caller struct {
	Player PlayerID
	Admin  bool
}

// Decision is what should happen in answer to a message. The host carries it
// out in this order: Events are applied, Volatile is applied, events are
// journaled as one whole, Sends, Replies and Broadcasts go out.
type Decision struct {
	Events     []proto.Message
	Volatile   any
	Sends      []Send
	Replies    []Reply
	Broadcasts []Broadcast
}

// Reset empties d and keeps its capacity.
func (d *Decision) Reset() {
	clear(d.Events)
	clear(d.Sends)
	clear(d.Replies)
	clear(d.Broadcasts)
	*d = Decision{Events: d.Events[:0], Sends: d.Sends[:0], Replies: d.Replies[:0], Broadcasts: d.Broadcasts[:0]}
}

// Event adds an event.
func (d *Decision) Event(e proto.Message) { d.Events = append(d.Events, e) }

// Send adds a message to another actor. It may be lost or doubled: send it
// again, from state, until it is acknowledged. body must not change afterwards.
func (d *Decision) Send(to Ref, body proto.Message) {
	d.Sends = append(d.Sends, Send{To: to, Body: body})
}

// Reply answers a command. body must not change afterwards.
func (d *Decision) Reply(to ReplyTo, body proto.Message) {
	if to != nil {
		d.Replies = append(d.Replies, Reply{To: to, Body: body})
	}
}

// Refuse answers a command with a refusal. Unlike a refusal returned as an
// error it lets the decision have events: the refusal that must be remembered.
func (d *Decision) Refuse(to ReplyTo, r *Refusal) {
	if to != nil {
		d.Replies = append(d.Replies, Reply{To: to, Refusal: r})
	}
}

// Send is one message to another actor.
type Send struct {
	To   Ref
	Body proto.Message
}

// Reply is one answer: Body, or Refusal when that is not nil.
type Reply struct {
	To      ReplyTo
	Body    proto.Message
	Refusal *Refusal
}

// Broadcast goes to every gateway that has subscribed to the topic, as soon as
// the events before it are durable. It may be lost.
type Broadcast struct {
	Topic string
	Body  proto.Message
}

// Refusal is an answer that is not a success.
type Refusal struct {
	Code clientv1.Code
	// Text is for people.
	Text string
	// RetryAfter is 0 when trying again will not help.
	RetryAfter time.Duration
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Text) }

// Refusef makes a Refusal.
func Refusef(code clientv1.Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}
