package requests

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// errNoAnswer is what a kind's commands fail with that do not fit Once.
var errNoAnswer = errors.New("the command has events and no answer: a kind wrapped by requests.Once must answer at once")

// Once returns the kind with a table of answers around it: a request with a
// number has its effect once, and copies get the same answer.
//
// A command is remembered when it has events, or was refused by
// Decision.Refuse; a refusal returned as an error leaves no trace, and may turn
// out otherwise next time. A command that has events needs a number, and must
// be answered in the same decision.
func Once(kind actors.Kind, l Limits) actors.Kind {
	l = l.WithDefaults()
	wrapped := kind
	wrapped.New = func(id string) actors.Behaviour {
		return &once{kind: &kind, limits: l, inner: kind.New(id), table: NewTable()}
	}
	wrapped.Event = func() proto.Message { return new(journalv1.RequestEvent) }
	wrapped.State = func() proto.Message { return new(journalv1.RequestState) }
	return wrapped
}

// once is one actor of such a kind.
type once struct {
	kind   *actors.Kind
	limits Limits
	inner  actors.Behaviour
	table  *Table

	decision actors.Decision // of inner
}

// waiter stands for whoever waits for an answer, to find the answer by it.
type waiter struct{ actors.ReplyTo }

// Decide implements actors.Behaviour.
func (o *once) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if msg.Method == "" {
		return o.pass(env, msg, nil, out)
	}
	answer := &journalv1.RequestAnswer{Request: msg.Request, At: env.Now.UnixNano()}
	if !msg.Caller.Admin {
		answer.Caller = string(msg.Caller.Player)
	}
	if msg.Request != 0 {
		contents, err := digest(msg)
		if err != nil {
			return err
		}
		answer.Contents = contents
		known, err := o.table.Look(answer.GetCaller(), msg.Request, contents)
		switch {
		case errors.Is(err, ErrExpired):
			return actors.Refusef(clientv1.Code_CODE_EXPIRED_REQUEST, "the request %v", err)
		case err != nil:
			return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "the request's number %v", err)
		case known != nil:
			return replay(known, msg.ReplyTo, out)
		}
	}
	return o.pass(env, msg, answer, out)
}

// pass lets the kind decide, and wraps up what it decides.
func (o *once) pass(env *actors.Env, msg *actors.Message, answer *journalv1.RequestAnswer, out *actors.Decision) error {
	marked := *msg
	mark := &waiter{msg.ReplyTo}
	marked.ReplyTo = mark
	d := &o.decision
	d.Reset()
	if err := o.inner.Decide(env, &marked, d); err != nil {
		return err
	}
	event := &journalv1.RequestEvent{}
	for _, e := range d.Events {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		event.Events = append(event.Events, b)
	}
	if answer != nil {
		if err := o.remember(env, answer, event, d, mark); err != nil {
			return err
		}
	}
	if len(event.GetEvents()) > 0 || event.GetAnswer() != nil {
		out.Event(event)
	}
	out.Volatile = d.Volatile
	out.Sends = append(out.Sends, d.Sends...)
	out.Broadcasts = append(out.Broadcasts, d.Broadcasts...)
	for _, r := range d.Replies {
		if w, ok := r.To.(*waiter); ok && w.ReplyTo != nil {
			out.Replies = append(out.Replies, actors.Reply{To: w.ReplyTo, Body: r.Body, Refusal: r.Refusal})
		}
	}
	return nil
}

// remember puts the answer into the event, if it has to be remembered.
func (o *once) remember(env *actors.Env, answer *journalv1.RequestAnswer, event *journalv1.RequestEvent, d *actors.Decision, mark *waiter) error {
	at := slices.IndexFunc(d.Replies, func(r actors.Reply) bool { return r.To == actors.ReplyTo(mark) })
	changes := len(event.GetEvents()) > 0
	switch {
	case at < 0 && changes:
		return errNoAnswer
	case at < 0, !changes && d.Replies[at].Refusal == nil:
		return nil
	case answer.GetRequest() == 0 && changes:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "request: must be numbered from 1")
	case answer.GetRequest() == 0:
		return nil
	}
	if r := d.Replies[at].Refusal; r != nil {
		answer.Code, answer.Text, answer.RetryAfter = int32(r.Code), r.Text, int64(r.RetryAfter)
	} else {
		body, err := anypb.New(d.Replies[at].Body)
		if err != nil {
			return fmt.Errorf("encode reply: %w", err)
		}
		answer.Reply = body
	}
	forget, watermark, retry, ok := o.table.Room(answer.GetCaller(), answer.GetRequest(), env.Now, o.limits)
	if !ok {
		return &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many callers to remember", RetryAfter: retry}
	}
	event.Answer, event.Forgotten, event.Watermark = answer, forget, watermark
	return nil
}

// replay answers a copy.
func replay(a *journalv1.RequestAnswer, to actors.ReplyTo, out *actors.Decision) error {
	if a.GetCode() != 0 {
		out.Refuse(to, &actors.Refusal{
			Code: clientv1.Code(a.GetCode()), Text: a.GetText(), RetryAfter: time.Duration(a.GetRetryAfter()),
		})
		return nil
	}
	body, err := a.GetReply().UnmarshalNew()
	if err != nil {
		return fmt.Errorf("decode the recorded reply: %w", err)
	}
	out.Reply(to, body)
	return nil
}

// digest sums up what a command asks for.
func digest(msg *actors.Message) (uint64, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg.Body)
	if err != nil {
		return 0, fmt.Errorf("encode request: %w", err)
	}
	d := NewDigest()
	d.String(msg.Method)
	d.String(string(body))
	return d.Sum(), nil
}

// Apply implements actors.Behaviour.
func (o *once) Apply(event proto.Message) error {
	e, ok := event.(*journalv1.RequestEvent)
	if !ok {
		return fmt.Errorf("apply %T: not an event of requests.Once", event)
	}
	for _, b := range e.GetEvents() {
		inner := o.kind.Event()
		if err := proto.Unmarshal(b, inner); err != nil {
			return fmt.Errorf("decode event: %w", err)
		}
		if err := o.inner.Apply(inner); err != nil {
			return err
		}
	}
	if e.GetAnswer() == nil {
		return nil
	}
	return o.table.Record(e.GetAnswer(), e.Forgotten, e.GetWatermark())
}

// Snapshot implements actors.Behaviour.
func (o *once) Snapshot() proto.Message {
	state, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.inner.Snapshot())
	if err != nil {
		panic(fmt.Sprintf("encode the state of kind %s: %v", o.kind.Name, err))
	}
	return &journalv1.RequestState{State: state, Callers: o.table.Snapshot()}
}

// Restore implements actors.Behaviour.
func (o *once) Restore(snapshot proto.Message) error {
	st, ok := snapshot.(*journalv1.RequestState)
	if !ok {
		return fmt.Errorf("restore: %T is not a state of requests.Once", snapshot)
	}
	inner := o.kind.State()
	if err := proto.Unmarshal(st.GetState(), inner); err != nil {
		return fmt.Errorf("decode state: %w", err)
	}
	if err := o.inner.Restore(inner); err != nil {
		return err
	}
	return o.table.Restore(st.GetCallers())
}

// ApplyVolatile implements actors.Volatile, if the kind does.
func (o *once) ApplyVolatile(change any) {
	if v, ok := o.inner.(actors.Volatile); ok {
		v.ApplyVolatile(change)
	}
}

// Busy implements actors.Volatile.
func (o *once) Busy() bool {
	v, ok := o.inner.(actors.Volatile)
	return ok && v.Busy()
}

// NextTimer implements actors.Timed, if the kind does.
func (o *once) NextTimer() (time.Time, bool) {
	if t, ok := o.inner.(actors.Timed); ok {
		return t.NextTimer()
	}
	return time.Time{}, false
}

// Accounts implements actors.Accountant, if the kind does.
func (o *once) Accounts(add func(account string, amount int64)) {
	if a, ok := o.inner.(actors.Accountant); ok {
		a.Accounts(add)
	}
}
