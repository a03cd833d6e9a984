package sim

import (
	"errors"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
	"github.com/holdfast-game/holdfast/shard/journal/committer"
)

// nodeLog is what package journal is in a node: a buffer and the committer, here
// over a model stream.
type nodeLog struct {
	l       *life
	stream  *stream
	machine *committer.Machine

	waiting []*entry // cut or filling, oldest first
	flight  []*entry
	first   uint64 // number of flight[0]
	end     uint64 // records ever appended
	durable uint64
	seq     cluster.LogSeq // the last durable entry

	timer    *timer
	filling  bool // fill is planned
	progress time.Duration
	awaited  []awaited
	err      error
}

type awaited struct {
	stamp uint64
	wake  func()
}

func newNodeLog(l *life, s *stream) *nodeLog {
	return &nodeLog{
		l: l, stream: s, first: 1,
		machine: committer.New(l.inc, l.w.weather.window, l.w.weather.ackTimeout),
	}
}

// append adds the records of one turn, which stay in one entry.
func (n *nodeLog) append(records []record) {
	last := len(n.waiting) - 1
	if last < 0 || len(n.waiting[last].records) >= n.l.w.weather.entry {
		n.waiting = append(n.waiting, &entry{by: n.l.inc})
		last++
	}
	if n.end == n.durable {
		n.progress = n.l.p.mono()
	}
	e := n.waiting[last]
	e.records = append(e.records, records...)
	n.end += uint64(len(records))
	e.end = n.end
	if !n.filling {
		// The committer has a goroutine of its own.
		n.filling = true
		n.l.after(n.l.w.upTo(n.l.w.weather.linger), func() { n.filling = false; n.fill() })
	}
}

// fill cuts entries while the machine has room for them.
func (n *nodeLog) fill() {
	for n.err == nil && n.machine.Room() && len(n.waiting) > 0 {
		e := n.waiting[0]
		n.waiting = n.waiting[1:]
		e.number = n.first + uint64(len(n.flight))
		n.flight = append(n.flight, e)
		n.step(committer.Input{Kind: committer.Offer})
	}
}

// step feeds the machine and does what it says.
func (n *nodeLog) step(in committer.Input) {
	in.Now = time.Unix(0, int64(n.l.p.mono()))
	for _, e := range append([]committer.Effect(nil), n.machine.Step(in)...) {
		switch e.Kind {
		case committer.Publish:
			n.publish(e)
		case committer.Read:
			n.read(e)
		case committer.Durable:
			landed := n.flight[e.Number-n.first]
			n.flight = n.flight[e.Number-n.first+1:]
			n.first, n.seq = e.Number+1, cluster.LogSeq(e.Number)
			n.advance(landed.end)
		case committer.Ended:
			n.err = e.Err
			n.l.w.note(n.l.inc, "loses its log: %v", e.Err)
			if !errors.Is(e.Err, journal.ErrFenced) && n.l.w.bug == nil {
				n.l.w.violated("the log of %s ended with %v", n.l.inc, e.Err)
			}
			n.l.soon(func() { n.l.stop() })
		}
	}
	if n.err == nil {
		n.arm()
	}
}

// arm sets the timer to the machine's deadline.
func (n *nodeLog) arm() {
	n.timer.stop()
	due := n.machine.Deadline()
	if due.IsZero() {
		return
	}
	n.timer = n.l.timer(max(0, time.Duration(due.UnixNano())-n.l.p.mono()), func() {
		n.step(committer.Input{Kind: committer.Tick})
		n.fill()
	})
}

func (n *nodeLog) publish(e committer.Effect) {
	w, s, what := n.l.w, n.stream, n.flight[e.Number-n.first]
	expected := int64(e.Number) - 1
	if w.bug.is(noExpectedSequence) {
		expected = unconditional
	}
	w.send(n.l.p.at, w.logsAt(), func() {
		in := committer.Input{Kind: committer.Refusal, Number: e.Number, Attempt: e.Attempt}
		if s.gone {
			in.Kind = committer.Failure
		} else if s.offer(expected, what, func(at cluster.LogSeq) {
			in.Kind, in.Seq = committer.Ack, at
			n.answer(in)
		}) {
			return
		}
		n.answer(in)
	})
}

func (n *nodeLog) read(e committer.Effect) {
	w, s := n.l.w, n.stream
	w.send(n.l.p.at, w.logsAt(), func() {
		in := committer.Input{Kind: committer.Found, Number: e.Number, Attempt: e.Attempt}
		// A replica that is behind has nothing there.
		if at := cluster.LogSeq(e.Number); at <= s.end() && at > s.purged && !w.chance(w.weather.behind) {
			found := s.entries[at-1]
			in.Found = &committer.Entry{Incarnation: found.by, Number: found.number, Seal: found.seal}
		}
		n.answer(in)
	})
}

// answer takes an answer back to the node.
func (n *nodeLog) answer(in committer.Input) {
	w := n.l.w
	w.send(w.logsAt(), n.l.p.at, func() {
		if n.l.over || n.err != nil {
			return
		}
		w.note(n.l.inc, "hears from its log: %s of entry %d", inputNames[in.Kind], in.Number)
		if in.Kind == committer.Ack {
			if w.bug.is(noExpectedSequence) {
				in.Seq = cluster.LogSeq(in.Number)
			}
			if w.bug.is(ackOfNext) && in.Number > 1 {
				n.step(committer.Input{Kind: committer.Ack, Number: in.Number - 1, Seq: in.Seq - 1})
			}
		}
		n.step(in)
		n.fill()
	})
}

var inputNames = map[committer.InputKind]string{
	committer.Ack: "acknowledgement", committer.Refusal: "refusal", committer.Failure: "failure", committer.Found: "reading",
}

// advance makes known that more is durable.
func (n *nodeLog) advance(stamp uint64) {
	n.durable, n.progress = stamp, n.l.p.mono()
	n.l.w.note(n.l.inc, "knows that its log is durable up to entry %d, record %d", n.seq, n.durable)
	kept := n.awaited[:0]
	for _, a := range n.awaited {
		if a.stamp <= stamp {
			a.wake()
		} else {
			kept = append(kept, a)
		}
	}
	n.awaited = kept
	n.l.outbox.release(stamp)
}

// wait has a fiber wait until everything up to stamp is durable; false when
// patience has ended before.
func (n *nodeLog) wait(stamp uint64, patience time.Duration) bool {
	if n.durable < stamp {
		n.l.w.block(func(wake func()) {
			n.awaited = append(n.awaited, awaited{stamp, wake})
			n.l.after(patience, wake)
		})
	}
	return n.durable >= stamp
}

// getsOn says whether the lease may be kept alive: a node that cannot write its
// log lets its shards go.
func (n *nodeLog) getsOn() bool {
	return n.durable == n.end || n.l.p.mono()-n.progress < stuckAfter
}

// stuckAfter is as in package shard.
const stuckAfter = 2 * time.Second

// reconnected tells the machine that the connection is back.
func (n *nodeLog) reconnected() {
	if n.err == nil {
		n.step(committer.Input{Kind: committer.Reconnect})
		n.fill()
	}
}
