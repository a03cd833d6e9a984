package journal

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/holdfast-game/holdfast/shard/journal/committer"
)

// pump is the committer's goroutine: it feeds the machine with what happens and
// does what the machine says. All its fields belong to that goroutine.
type pump struct {
	log     *Log
	wire    *wire
	machine *committer.Machine
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
		machine: committer.New(l.cfg.Incarnation, l.cfg.InFlight, l.cfg.AckTimeout),
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
			p.step(committer.Input{Kind: committer.Tick})
		case <-ctx.Done():
			p.log.end(context.Cause(ctx))
			return
		}
	}
}

// fill cuts entries while the machine has room for them.
func (p *pump) fill() {
	for p.machine.Room() {
		c := p.log.buffer.take()
		if c == nil {
			return
		}
		number := p.first + uint64(len(p.flight))
		c.buf = finishEntry(c.buf, len(p.log.buffer.header), number, c.records)
		c.cut = time.Now()
		p.flight = append(p.flight, c)
		p.step(committer.Input{Kind: committer.Offer})
	}
}

// step feeds the machine, and feeds back what fails at once.
func (p *pump) step(in committer.Input) {
	in.Now = time.Now()
	var failed []committer.Input
	for _, e := range p.machine.Step(in) {
		switch e.Kind {
		case committer.Publish:
			if e.Again {
				p.log.cfg.Metrics.resends.Inc()
			}
			if err := p.wire.publish(e.Number, e.Attempt, p.flight[e.Number-p.first].buf); err != nil {
				failed = append(failed, committer.Input{Kind: committer.Failure, Number: e.Number, Attempt: e.Attempt, Err: err})
			}
		case committer.Read:
			if err := p.wire.read(e.Number, e.Attempt); err != nil {
				failed = append(failed, committer.Input{Kind: committer.ReadFailure, Number: e.Number, Attempt: e.Attempt, Err: err})
			}
		case committer.Durable:
			n := int(e.Number - p.first + 1)
			p.landed = append(p.landed, p.flight[:n]...)
			p.flight = p.flight[:copy(p.flight, p.flight[n:])]
			p.first = e.Number + 1
		case committer.Ended:
			p.err = e.Err
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
		p.log.wroteAgain()
		p.landed[i] = nil
		p.log.advance(stamp, seq)
	}
	p.landed = p.landed[:0]
}

// arm sets the timer to the machine's deadline.
func (p *pump) arm() {
	due := p.machine.Deadline()
	if due.IsZero() {
		p.timer.Stop()
		return
	}
	p.timer.Reset(time.Until(due))
}

func (p *pump) connection(s nats.Status) {
	switch s {
	case nats.CONNECTED:
		p.step(committer.Input{Kind: committer.Reconnect})
	case nats.CLOSED:
		p.step(committer.Input{Kind: committer.End, Err: ErrDisconnected})
	}
}

// note counts and logs what is out of the ordinary.
func (p *pump) note(in *committer.Input) {
	cfg := &p.log.cfg
	switch in.Kind {
	case committer.Refusal:
		cfg.Metrics.refusals.Inc()
		cfg.Logger.Debug("entry refused", "log", cfg.Name, "entry", in.Number)
	case committer.Found:
		if in.Found != nil && in.Found.Incarnation == cfg.Incarnation && in.Found.Number == in.Number {
			cfg.Metrics.readBacks.Inc()
		}
		if in.Err != nil {
			cfg.Logger.Error("log holds what cannot be read", "log", cfg.Name, "entry", in.Number, "err", in.Err)
		}
	case committer.Failure, committer.ReadFailure:
		if StoreFull(in.Err) {
			p.log.refusedAsFull()
			break
		}
		cfg.Logger.Debug("log does not answer", "log", cfg.Name, "entry", in.Number, "err", in.Err)
	}
}
