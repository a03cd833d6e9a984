package shard

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// maxBatch bounds the records of one turn, so that they fit into one log entry
// with room for the entry's header.
const maxBatch = 500 << 10

// command runs the turn of a client's or operator's command.
func (h *hosted) command(c *cluster.Command) {
	if h.frozen {
		h.inc.unserved(c)
		return
	}
	if c.To.Kind == cluster.ShardKind {
		if a := h.shardCommand(c); a != nil {
			h.answer(c, a)
		}
		return
	}
	method, refusal := h.inc.method(c)
	if refusal != nil {
		h.refuse(c, refusal)
		return
	}
	body := c.Body
	if body == nil {
		body = method.Request()
		if err := proto.Unmarshal(c.Payload, body); err != nil {
			h.refuse(c, actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "decode the request of %s.%s: %v", c.To.Kind, c.Method, err))
			return
		}
	}
	h.commands.Add(1)
	a, err := h.people.wake(actors.Ref(c.To))
	if err != nil {
		h.fail(err)
		return
	}
	h.message = actors.Message{
		Self: a.ref, Method: c.Method, Request: c.Request, Body: body, ReplyTo: c,
		Caller: actors.Caller{Player: actors.PlayerID(c.Caller.Player), Admin: c.Caller.Admin},
	}
	h.turn(a, time.Now())
}

// hear runs the turn of another actor's message.
func (h *hosted) hear(m *cluster.Message) {
	if h.frozen {
		if h.inc.park(m.Shard, m) == elsewhere {
			h.inc.passOn(m)
		}
		return
	}
	a, err := h.people.wake(actors.Ref(m.To))
	if errors.Is(err, errUnknownKind) {
		h.inc.log.Warn("message for an unknown kind", "from", m.From, "to", m.To)
		return
	}
	if err != nil {
		h.fail(err)
		return
	}
	h.message = actors.Message{Self: a.ref, From: actors.Ref(m.From), Body: m.Body}
	h.turn(a, time.Now())
}

// turn lets one actor answer h.message, in the order that doc.go describes.
func (h *hosted) turn(a *resident, now time.Time) {
	h.env.Now = now
	d := &h.decision
	d.Reset()
	if err := h.decide(a); err != nil {
		h.refused(a, err)
		return
	}
	if h.message.Method != "" && (len(d.Events) > 0 || len(d.Sends) > 0) && h.inc.ballast.spent.Load() {
		h.refused(a, errNoRoom)
		return
	}
	if err := h.encode(a); err != nil {
		h.deadLetter(a, err)
		return
	}
	for _, e := range d.Events {
		if err := apply(a.behaviour, e); err != nil {
			h.deadLetter(a, err)
			h.fail(fmt.Errorf("%s: apply event %d: %w", a.ref, a.seq+1, err))
			return
		}
		a.seq++
	}
	if d.Volatile != nil && a.volatile != nil {
		a.volatile.ApplyVolatile(d.Volatile)
	}
	if len(d.Events) > 0 {
		if _, err := h.inc.journal.Append(h.batch, len(d.Events)); err != nil {
			h.fail(fmt.Errorf("append: %w", err))
			return
		}
		h.inc.appended.Add(int64(len(h.batch)))
		h.people.dirty[a.ref] = struct{}{}
	}
	h.emit(a)
	if d.Volatile != nil && a.caster != nil {
		h.show(a)
	}
	h.arm(a, now)
	if err := h.people.trim(); err != nil {
		h.fail(err)
	}
}

// decide calls the behaviour. A panic is an error, and has changed nothing.
func (h *hosted) decide(a *resident) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{what: "decide", value: p, stack: debug.Stack()}
		}
	}()
	return a.behaviour.Decide(&h.env, &h.message, &h.decision)
}

// apply folds one event. A panic is an error like any other.
func apply(b actors.Behaviour, e proto.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{what: "apply", value: p, stack: debug.Stack()}
		}
	}()
	return b.Apply(e)
}

// encode writes the decision's events into h.batch, before any is applied: a
// decision that does not fit into an entry must not happen at all.
func (h *hosted) encode(a *resident) error {
	h.batch = h.batch[:0]
	for i, e := range h.decision.Events {
		var err error
		if h.event, err = (proto.MarshalOptions{}).MarshalAppend(h.event[:0], e); err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		h.batch = journal.AppendRecord(h.batch, &journal.Record{
			Shard: h.id, Epoch: h.hold.Epoch,
			Kind: a.ref.Kind, ID: a.ref.ID, Seq: a.seq + uint64(i) + 1, Event: h.event,
		})
	}
	if len(h.batch) > maxBatch {
		return fmt.Errorf("the decision's %d events take %d bytes, at most %d fit", len(h.decision.Events), len(h.batch), maxBatch)
	}
	return nil
}

// emit hands on what the decision sends, answers and broadcasts.
func (h *hosted) emit(a *resident) {
	d := &h.decision
	for i := range d.Sends {
		h.inc.send(a.ref, &d.Sends[i])
	}
	// What appends nothing rests on the lease alone: read, then look at the
	// deadline, then reply. Without an answer the caller asks the next owner.
	if len(d.Replies) > 0 && (len(d.Events) > 0 || h.inc.leased()) {
		for i := range d.Replies {
			c := d.Replies[i].To.(*cluster.Command)
			if r := d.Replies[i].Refusal; r != nil {
				h.answer(c, refusalAnswer(r))
			} else {
				h.answer(c, &cluster.Answer{Body: d.Replies[i].Body})
			}
		}
	}
	for i := range d.Broadcasts {
		h.inc.outbox.put(output{broadcast: d.Broadcasts[i]})
	}
}

// refused answers the caller, if there is one, that the message was refused.
func (h *hosted) refused(a *resident, err error) {
	var r *actors.Refusal
	if !errors.As(err, &r) {
		h.deadLetter(a, err)
		return
	}
	if c, ok := h.message.ReplyTo.(*cluster.Command); ok {
		h.refuse(c, r)
	}
}

// deadLetter keeps a message that made its actor fail, and answers INTERNAL.
func (h *hosted) deadLetter(a *resident, err error) {
	h.inc.log.Error("message failed", "shard", h.id, "actor", a.ref, "method", h.message.Method, "from", h.message.From, "err", err, stackOf(err))
	h.inc.metrics.deadLetters.Inc()
	h.inc.letters.keep(h.id, &h.message, err)
	if c, ok := h.message.ReplyTo.(*cluster.Command); ok {
		h.refuse(c, actors.Refusef(clientv1.Code_CODE_INTERNAL, "the request made its actor fail; it was kept for inspection"))
	}
}

// refuse answers a command with a refusal that appends nothing.
func (h *hosted) refuse(c *cluster.Command, r *actors.Refusal) {
	if h.inc.leased() {
		h.answer(c, refusalAnswer(r))
	}
}

// answer puts an answer into the outbox.
func (h *hosted) answer(c *cluster.Command, a *cluster.Answer) {
	a.Call = c.Call
	h.inc.outbox.put(output{to: c.ReplyTo, answer: a, arrived: h.arrival(c)})
}

func refusalAnswer(r *actors.Refusal) *cluster.Answer {
	return &cluster.Answer{Code: r.Code, Text: r.Text, RetryAfterMs: uint64(r.RetryAfter.Milliseconds())}
}

// fail stops this shard alone: its state cannot be trusted any more. What the
// log has is not touched; reconcile gives the shard back and claims it anew.
func (h *hosted) fail(err error) {
	h.frozen, h.broken = true, err
	h.inc.failed(h, err)
}

// panicError is a behaviour's panic.
type panicError struct {
	what  string
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.what, e.value) }

// stackOf is the stack of a panic, for the log.
func stackOf(err error) slog.Attr {
	var p *panicError
	if errors.As(err, &p) {
		return slog.String("stack", string(p.stack))
	}
	return slog.Attr{}
}
