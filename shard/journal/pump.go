package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// pump is the committer's goroutine: it feeds the machine with what happens and
// does what the machine says. All its fields belong to that goroutine.
type pump struct {
	log     *Log
	wire    *wire
	machine *committer
	flight  []*chunk // those that the machine has in flight, oldest first
	first   uint64   // number of flight[0]
	timer   *time.Timer

	// What became durable and was not told yet.
	landed []*chunk
	err    error // why the log has ended
}

func newPump(l *Log, w *wire) *pump {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &pump{
		log:     l,
		wire:    w,
		machine: newCommitter(l.cfg.Incarnation, l.cfg.InFlight, l.cfg.AckTimeout),
		first:   1,
		timer:   t,
	}
}

// run is the committer's goroutine. It ends with the log, or when ctx is done.
func (p *pump) run(ctx context.Context) {
	defer p.wire.close()
	defer p.timer.Stop()
	for {
		// The next entry is on its way before anybody hears of the last: the disk
		// works while outputs are delivered.
		p.fill()
		p.tell()
		if p.err != nil {
			p.log.cfg.Logger.Warn("log ended", "log", p.log.cfg.Name, "durable", p.log.DurableSeq(),
				"records_lost", p.log.End()-p.log.Durable(), "err", p.err)
			p.log.end(p.err)
			return
		}
		p.arm()
		select {
		case <-p.log.wake:
		case m := <-p.wire.replies:
			if in, ok := p.wire.answer(m); ok {
				p.note(&in)
				p.step(in)
			}
		case s := <-p.wire.status:
			p.connection(s)
		case <-p.timer.C:
			p.step(input{kind: inTick})
		case <-ctx.Done():
			p.log.end(context.Cause(ctx))
			return
		}
	}
}

// fill cuts entries while the machine has room for them.
func (p *pump) fill() {
	for p.machine.room() {
		c := p.log.buffer.take()
		if c == nil {
			return
		}
		number := p.first + uint64(len(p.flight))
		c.buf = finishEntry(c.buf, len(p.log.buffer.header), number, c.records)
		c.cut = time.Now()
		p.flight = append(p.flight, c)
		p.step(input{kind: inOffer})
	}
}

// step feeds the machine, and feeds back what fails at once.
func (p *pump) step(in input) {
	in.now = time.Now()
	var failed []input
	for _, e := range p.machine.step(in) {
		switch e.kind {
		case outPublish:
			if e.again {
				p.log.cfg.Metrics.resends.Inc()
			}
			if err := p.wire.publish(e.number, e.attempt, p.flight[e.number-p.first].buf); err != nil {
				failed = append(failed, input{kind: inFailure, number: e.number, attempt: e.attempt, err: err})
			}
		case outRead:
			if err := p.wire.read(e.number, e.attempt); err != nil {
				failed = append(failed, input{kind: inReadFailure, number: e.number, attempt: e.attempt, err: err})
			}
		case outDurable:
			n := int(e.number - p.first + 1)
			p.landed = append(p.landed, p.flight[:n]...)
			p.flight = p.flight[:copy(p.flight, p.flight[n:])]
			p.first = e.number + 1
		case outEnd:
			p.err = e.err
		}
	}
	for i := range failed {
		p.note(&failed[i])
		p.step(failed[i])
	}
}

// tell makes known what became durable, entry by entry.
func (p *pump) tell() {
	m := p.log.cfg.Metrics
	for i, c := range p.landed {
		seq := p.first - uint64(len(p.landed)-i)
		stamp := c.end
		m.entries.Inc()
		m.records.Add(float64(c.records))
		m.bytes.Add(float64(len(c.buf)))
		m.batch.Observe(float64(c.records))
		m.commitTime.Observe(time.Since(c.cut).Seconds())
		p.log.buffer.release(c)
		p.landed[i] = nil
		p.log.advance(stamp, seq)
	}
	p.landed = p.landed[:0]
}

// arm sets the timer to the machine's deadline.
func (p *pump) arm() {
	due := p.machine.deadline()
	if due.IsZero() {
		p.timer.Stop()
		return
	}
	p.timer.Reset(time.Until(due))
}

func (p *pump) connection(s nats.Status) {
	switch s {
	case nats.CONNECTED:
		p.step(input{kind: inReconnect})
	case nats.CLOSED:
		p.step(input{kind: inEnd, err: ErrDisconnected})
	}
}

// note counts and logs what is out of the ordinary.
func (p *pump) note(in *input) {
	cfg := &p.log.cfg
	switch in.kind {
	case inRefusal:
		cfg.Metrics.refusals.Inc()
		cfg.Logger.Debug("entry refused", "log", cfg.Name, "entry", in.number)
	case inFound:
		if in.found != nil && in.found.Incarnation == cfg.Incarnation && in.found.Number == in.number {
			cfg.Metrics.readBacks.Inc()
		}
		if in.err != nil {
			cfg.Logger.Error("log holds what cannot be read", "log", cfg.Name, "entry", in.number, "err", in.err)
		}
	case inFailure, inReadFailure:
		cfg.Logger.Debug("log does not answer", "log", cfg.Name, "entry", in.number, "err", in.err)
	}
}
