package shard

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
)

// hosted is one shard while this incarnation serves it. Its fields below pid
// belong to the goroutine that protoactor runs its turns on; everything else
// reaches them through a message.
type hosted struct {
	id   cluster.ShardID
	inc  *incarnation
	hold *cluster.Holding

	pid *actor.PID
	// gone is closed when the mailbox has ended.
	gone chan struct{}
	// queued counts the messages in the mailbox, which itself has no bound.
	queued atomic.Int64
	// commands counts those that it has taken. Messages are no measure of what a
	// shard weighs: they follow the actors that they come from, and so change with
	// every move.
	commands atomic.Uint64

	people    *population
	alarm     *alarmClock
	chronicle chronicle
	// frozen: no turn may begin. What arrives waits in a lot, if the shard is
	// being moved, or is answered NotOwner.
	frozen bool
	// broken is why the shard has stopped itself, nil as long as it has not.
	broken error
	// moving: its checkpoints belong to a move. Set from outside.
	moving atomic.Bool

	// sampled are the timed commands that are not answered yet, and when they
	// arrived.
	sampled map[*cluster.Command]time.Time

	// Scratch space of a turn, kept for the next one.
	env      actors.Env
	message  actors.Message
	decision actors.Decision
	event    []byte
	batch    []byte
	cast     func(topic string, frame []byte) // puts a frame into the outbox
}

// errand is something to do on the shard's goroutine, between two turns.
type errand func(*hosted)

// alarm is the message that an alarm clock sends when a timer is due.
type alarm struct{}

// newHosted returns a shard that is not yet running.
func newHosted(inc *incarnation, hold *cluster.Holding, people *population) *hosted {
	h := &hosted{id: hold.Shard, inc: inc, hold: hold, people: people, gone: make(chan struct{}), sampled: make(map[*cluster.Command]time.Time)}
	h.env.Local, h.env.Epoch = inc.hosts, uint64(hold.Epoch)
	h.cast = func(topic string, frame []byte) { inc.outbox.put(output{topic: topic, frame: frame}) }
	h.alarm = newAlarmClock(func() { inc.system.Root.Send(h.pid, alarm{}) })
	return h
}

// start spawns the shard's mailbox.
func (h *hosted) start() {
	h.pid = h.inc.system.Root.Spawn(actor.PropsFromFunc(h.receive))
}

// stop ends the mailbox behind what is queued. Mail sent to a stopping
// protoactor actor vanishes, so the shard must have been taken out of the
// routing table before.
func (h *hosted) stop() {
	h.inc.system.Root.Poison(h.pid)
}

// post puts a message into the mailbox. It is false when the mailbox holds
// limit messages already.
func (h *hosted) post(m any, limit int) bool {
	if h.queued.Add(1) > int64(limit) {
		h.queued.Add(-1)
		return false
	}
	h.inc.system.Root.Send(h.pid, m)
	return true
}

// do runs f on the shard's goroutine and waits for it. f may run after do has
// returned ctx's error.
func (h *hosted) do(ctx context.Context, f errand) error {
	done := make(chan struct{})
	h.queued.Add(1)
	h.inc.system.Root.Send(h.pid, errand(func(h *hosted) {
		defer close(done)
		f(h)
	}))
	select {
	case <-done:
		return nil
	case <-h.gone:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive is the mailbox's loop body. A panic that a turn has not dealt with may
// have come between apply and append: protoactor would go on with a state that
// the log does not have, so the shard stops itself instead.
func (h *hosted) receive(c actor.Context) {
	defer func() {
		if p := recover(); p != nil {
			err := &panicError{what: "a turn", value: p, stack: debug.Stack()}
			h.inc.log.Error("panic", "shard", h.id, "actor", h.message.Self, "err", err, stackOf(err))
			h.fail(err)
		}
	}()
	switch m := c.Message().(type) {
	case *cluster.Command:
		h.queued.Add(-1)
		h.command(m)
	case *timed:
		h.queued.Add(-1)
		h.sample(m)
		h.command(m.Command)
	case *cluster.Message:
		h.queued.Add(-1)
		h.hear(m)
	case errand:
		h.queued.Add(-1)
		m(h)
	case alarm:
		h.ring(time.Now())
	case *actor.Stopped:
		h.alarm.stop()
		close(h.gone)
	}
}

// ring wakes the actors whose timers are due.
func (h *hosted) ring(now time.Time) {
	for !h.frozen {
		ref, ok := h.alarm.due(now)
		if !ok {
			return
		}
		a, err := h.people.wake(ref)
		if err != nil {
			h.fail(err)
			return
		}
		a.armed = 0
		if a.timed == nil {
			continue
		}
		if at, wants := a.timed.NextTimer(); !wants || at.After(now) {
			h.arm(a, now)
			continue
		}
		h.message = actors.Message{Self: ref, Timer: true}
		h.turn(a, now)
	}
}

// timerGrain is the shortest time between two timers of one actor: a behaviour
// that always wants to be woken must not stop the shard's other work.
const timerGrain = 5 // ms

// arm sets the alarm clock for the actor's next timer, if that is earlier than
// what it is set for: a later one is found out when the earlier one rings.
func (h *hosted) arm(a *resident, now time.Time) {
	if a.timed == nil {
		return
	}
	at, wants := a.timed.NextTimer()
	if !wants {
		return
	}
	if ms := ringing(at, now); a.armed == 0 || ms < a.armed {
		a.armed = ms
		h.alarm.set(a.ref, ms)
	}
}

// ringing is when the clock rings for a timer, in Unix milliseconds: rounded up,
// so that the timer's moment has come by then.
func ringing(at, now time.Time) int64 { return max(at.UnixMilli()+1, now.UnixMilli()+timerGrain) }
