package replay

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// engine plays the parts of one worker. It is one goroutine, which owns all that
// is in it; only dialers run beside it.
type engine struct {
	job
	script  *script
	start   time.Time
	agenda  agenda
	living  int // players that have something left to do
	poll    *poller
	dialers *dialers
	tally   *tally
	tell    func(now time.Duration) // tells how it goes, once in a while
	// looked is when the engine saw last what has come, and awake when it is to see
	// it again, at the latest. reading: it has since.
	looked, awake time.Duration
	reading       bool
	frame         []byte // of what is sent
	body          []byte
}

const (
	// sendBatch is how many players have their turn between two looks at what has
	// come: some 200 µs.
	sendBatch = 64
	// telling is how often the coordinator hears how it goes.
	telling = 250 * time.Millisecond
	// spread is over what time the players are who take the place of one: at the
	// very same moment they would be a burst that nobody has seen.
	spread = 100 * time.Millisecond
)

func newEngine(j job, s *script) (*engine, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	e := &engine{job: j, script: s, poll: p, tally: newTally()}
	e.tally.name, e.tally.answered = e.name, s.answered
	if e.dialers, err = startDialers(e.job, p.wakeUp); err != nil {
		p.close()
		return nil, err
	}
	random := rand.New(rand.NewPCG(j.Seed, uint64(j.Worker)))
	for _, part := range s.parts {
		for copied := range j.Scale {
			if !j.plays(part.number, copied) {
				continue
			}
			pl := &player{part: part, copy: int32(copied), place: -1}
			if copied > 0 && !j.Unpaced {
				pl.shift = time.Duration(random.Int64N(int64(spread)))
			}
			e.living++
			e.agenda = append(e.agenda, pl) // all at 0 is an order
			pl.place = len(e.agenda) - 1
		}
	}
	return e, nil
}

func (e *engine) close() {
	e.dialers.close()
	e.poll.close()
}

// now is the time of the replay.
func (e *engine) now() time.Duration { return time.Since(e.start) }

// due is when a step is to be done.
func (e *engine) due(p *player, s *step) time.Duration {
	if e.Unpaced {
		return 0
	}
	return time.Duration(float64(s.at)/e.Speed) + p.shift
}

// run plays until everybody is done, or ctx ends.
func (e *engine) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, e.poll.wakeUp)
	defer stop()
	runtime.LockOSThread() // for its time to be known
	defer runtime.UnlockOSThread()
	t := e.tally
	look := func(now time.Duration) { t.strain.look(&t.stretch, moment{now, threadTime()}) }
	look(0)
	e.looked = e.now()
	defer func() { look(e.now()) }()
	told := time.Duration(0) // a multiple of telling: the seconds of a report begin at some
	for e.living > 0 && ctx.Err() == nil {
		now := e.now()
		if now-t.stretch.since.at >= looking {
			look(now) // before it sends: a burst is not mixed with the pause before it
		}
		for range sendBatch {
			if len(e.agenda) == 0 || e.agenda[0].wake > now {
				break
			}
			p := e.agenda[0]
			if p.blocked {
				e.expire(p, now)
			}
			e.advance(p)
			now = e.now()
		}
		for _, d := range e.dialers.take() {
			e.dialed(d)
		}
		if now-told >= telling {
			told = now.Truncate(telling)
			e.tell(now)
		}
		wait := told + telling - now
		if len(e.agenda) > 0 {
			wait = min(wait, e.agenda[0].wake-now)
		}
		wait = max(wait, 0)
		e.awake, e.reading = e.looked+wait, false
		if err := e.poll.wait(wait, e.came); err != nil {
			return err
		}
		if !e.reading {
			e.looked = e.now()
		}
	}
	return context.Cause(ctx)
}

// advance has a player do what is due.
func (e *engine) advance(p *player) {
	p.blocked = false
	for int(p.next) < len(p.part.steps) {
		s := &p.part.steps[p.next]
		due := e.due(p, s)
		now := e.now()
		if due > now {
			p.wake = due
			e.agenda.set(p)
			return
		}
		if p.waits(p.next) || !e.do(p, s, due, now) {
			e.block(p, now)
			return
		}
		p.next++
	}
	if len(p.asked) > 0 {
		e.block(p, e.now())
		return
	}
	e.leave(p)
}

// block has a player wait, but not for ever. What it waits for wakes it up.
func (e *engine) block(p *player, now time.Duration) {
	p.blocked = true
	p.wake = now + e.Patience
	if len(p.asked) > 0 {
		p.wake = p.oldest() + e.Patience
	}
	e.agenda.set(p)
}

// expire gives up what has waited too long. What waited for that is free now.
func (e *engine) expire(p *player, now time.Duration) {
	p.free = now
	for i := 0; i < len(p.asked); {
		if a := p.asked[i]; now-a.sent >= e.Patience {
			p.asked = append(p.asked[:i], p.asked[i+1:]...)
			e.tally.settle(p, a.step, answer{outcome: unanswered})
			continue
		}
		i++
	}
}

// do does one step. It is false when a connection must come first.
func (e *engine) do(p *player, s *step, due, now time.Duration) bool {
	l := p.link(s.conn)
	switch {
	case l.state == dialing:
		return false
	case s.kind == connecting:
		if l.state == down {
			e.dial(l)
		}
		return true
	case s.kind == leaving:
		e.hangUp(l)
		return true
	case l.state == down && p.redialed != p.next+1:
		p.redialed = p.next + 1
		l.again = true
		e.dial(l)
		return false
	case l.state != up:
		e.tally.settle(p, p.next, answer{outcome: unsent})
		return true
	}
	e.send(l, s, due, now)
	return true
}

// send sends a request.
func (e *engine) send(l *link, s *step, due, now time.Duration) {
	p := l.player
	body := s.body
	switch {
	case s.kind == fieldBuy && p.offset != 0:
		b := readBuy(body)
		b.request += p.offset
		e.body = appendBuy(e.body[:0], b)
		body = e.body
	case s.calls > 0:
		body = withCallee(body, e.name(e.script.names[s.calls-1], p.copy))
	}
	l.seq++
	e.frame = append(e.frame[:0], make([]byte, maxHead)...)
	e.frame = protowire.AppendVarint(append(e.frame, fieldSeq<<3), l.seq)
	e.frame = append(e.frame, body...)
	counted := due
	if e.Unpaced {
		counted = now
	} else {
		by, held := now-max(due, p.free), p.free > due
		e.tally.delayed(by, held, p.behind)
		p.behind = by > delayTooLong || p.behind && held
	}
	p.asked = append(p.asked, asked{seq: l.seq, link: l, step: p.next, due: counted, sent: now})
	e.tally.sent(now - counted)
	if err := e.poll.write(l, finish(e.frame, opBinary)); err != nil {
		e.lost(l, err)
	}
}

// name is the id of a player of this replay.
func (j *job) name(onTape string, copied int32) string {
	if j.Scale == 1 {
		return j.Prefix + onTape
	}
	return j.Prefix + onTape + "-" + strconv.Itoa(int(copied))
}

// proceed gives a player that was blocked another look.
func (e *engine) proceed(p *player) {
	if !p.blocked {
		return // what nobody waited for holds nobody up
	}
	p.free = e.now()
	if by := p.free - e.awake; by > delayTooLong {
		e.tally.stretch.missed(by)
		p.behind = true
	}
	e.advance(p)
}

func (e *engine) message(l *link, opcode byte, payload []byte) error {
	switch {
	case l.state != up: // it was closed over what came before
		return errClosed
	case opcode == opPing:
		frame := append(make([]byte, maxHead, maxHead+len(payload)), payload...)
		return e.poll.write(l, finish(frame, opPong))
	case opcode == opPong:
		return nil
	case opcode == opClose:
		return errClosed
	}
	seq, field, body, err := splitFrame(payload)
	if err != nil {
		return err
	}
	if seq == 0 {
		e.tally.events++
		return nil
	}
	p := l.player
	a, ok := p.answered(l, seq)
	if !ok {
		return nil // it came too late
	}
	s := &p.part.steps[a.step]
	got, order := readAnswer(s.kind, field, body)
	if s.kind == fieldBuy && got.outcome == done && p.acknowledge(order.request) {
		e.tally.ledger.add(order)
	}
	if got.outcome.good() {
		e.tally.latency(e.now() - a.due)
	}
	e.tally.settle(p, a.step, got)
	e.proceed(p)
	return nil
}

// leave is after the last step.
func (e *engine) leave(p *player) {
	for _, l := range p.conns {
		if l != nil && l.state == dialing {
			e.block(p, e.now())
			return
		}
	}
	e.agenda.drop(p)
	for _, l := range p.conns {
		if l != nil {
			e.hangUp(l)
		}
	}
	p.conns, p.bought = nil, nil
	e.living--
}
