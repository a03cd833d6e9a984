package journal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal/committer"
	"github.com/holdfast-game/holdfast/shard/journal/journaltest"
)

var seedFlag = flag.Uint64("seed", 0, "run the model tests with this seed only")

// modelSeeds is how many histories the model test tries.
const modelSeeds = 10_000

// plant is a bug put into the simulation, to see that it is found.
type plant struct {
	name string
	// expected replaces the sequence that a publish expects.
	expected func(number uint64) int64
	// hear replaces what the machine is told by what it should be told.
	hear func(m *sim, in committer.Input) []committer.Input
	// content replaces what is published.
	content func(m *sim, e committer.Effect) []byte
}

// sim is one history: a machine against a model stream.
type sim struct {
	rnd     *rand.Rand
	machine *committer.Machine
	stream  *journaltest.Stream
	plant   plant

	now     time.Time
	entries [][]byte // what was offered; entry n at n-1
	durable uint64
	sealAt  uint64 // of the first seal, 0 for none
	ended   error
	fault   error // what the machine did wrong
}

const modelSelf, modelOther = "n1-7", "n2-9"

func newSim(seed uint64, p plant) *sim {
	rnd := rand.New(rand.NewPCG(seed, 0))
	// A third of the histories are nearly calm, so that the window is often full.
	rate := func(limit float64) float64 {
		if seed%3 == 0 {
			limit /= 8
		}
		return rnd.Float64() * limit
	}
	return &sim{
		rnd:     rnd,
		machine: committer.New(modelSelf, 1+rnd.IntN(4), 100*time.Millisecond),
		stream: journaltest.New(rnd, journaltest.Faults{
			Lose: rate(0.1), Delay: rate(0.2), Double: rate(0.05), Refuse: rate(0.05), Fail: rate(0.05),
			Stale: rate(0.2), Elect: rate(0.02), Survive: rate(1),
		}),
		plant: p,
		now:   time.Unix(1_000_000_000, 0),
	}
}

// run plays a history with faults, then one without, in which everything must
// become durable or the log must turn out to be sealed.
func (m *sim) run() error {
	seal := m.rnd.IntN(2) == 0
	for range 50 + m.rnd.IntN(250) {
		switch n := m.rnd.IntN(100); {
		case n < 25:
			m.offer()
		case n < 85:
			m.network()
		case n < 95:
			m.pass(time.Duration(m.rnd.IntN(60)) * time.Millisecond)
		case n < 97:
			m.stream.Disconnect()
			m.step(committer.Input{Kind: committer.Reconnect})
		case n == 97 && seal && m.rnd.IntN(2) == 0:
			m.seal()
		}
	}
	m.stream.Heal()
	m.offer()
	for range 3000 {
		if m.fault != nil || m.ended != nil || m.durable == uint64(len(m.entries)) {
			break
		}
		m.network()
		if m.stream.Idle() && m.ended == nil && m.durable < uint64(len(m.entries)) {
			if m.machine.Deadline().IsZero() {
				return fmt.Errorf("waits for nothing with %d of %d entries durable", m.durable, len(m.entries))
			}
			m.pass(m.machine.Deadline().Sub(m.now))
		}
	}
	m.check(m.ended != nil || m.durable == uint64(len(m.entries)), "got stuck with %d of %d entries durable", m.durable, len(m.entries))
	for !m.stream.Idle() && m.fault == nil {
		m.network() // what was sent twice must not be written twice
	}
	for i := range m.valid() {
		m.checkEntry(uint64(i + 1))
	}
	return m.fault
}

func (m *sim) check(ok bool, format string, args ...any) {
	if !ok && m.fault == nil {
		m.fault = fmt.Errorf(format, args...)
	}
}

func (m *sim) offer() {
	if m.machine.Room() {
		n := uint64(len(m.entries) + 1)
		m.entries = append(m.entries, m.encode(n, 0))
		m.step(committer.Input{Kind: committer.Offer})
	}
}

func (m *sim) encode(number, salt uint64) []byte {
	r := Record{Kind: "k", ID: "i", Seq: number, Event: fmt.Append(nil, salt)}
	buf := AppendRecord(newHeader(typeRecords, modelSelf), &r)
	return finishEntry(buf, headerSize(modelSelf), number, 1)
}

func (m *sim) seal() {
	at := m.stream.Append(encodeSeal(modelOther))
	if m.sealAt == 0 {
		m.sealAt = at
	}
}

// valid returns the log as its readers see it: up to the first seal.
func (m *sim) valid() [][]byte {
	log := m.stream.Committed()
	if m.sealAt > 0 {
		log = log[:m.sealAt-1]
	}
	return log
}

func (m *sim) pass(d time.Duration) {
	m.now = m.now.Add(max(d, 0))
	m.step(committer.Input{Kind: committer.Tick})
}

// network lets one thing happen, and tells the machine if it is an answer.
func (m *sim) network() {
	r, ok := m.stream.Step()
	if !ok {
		return
	}
	in := committer.Input{Number: r.Number, Attempt: r.Attempt}
	switch r.Outcome {
	case journaltest.Written:
		in.Kind, in.Seq = committer.Ack, seqOf(r.Seq)
	case journaltest.Refused:
		in.Kind = committer.Refusal
	case journaltest.Failed:
		in.Kind = committer.Failure
	case journaltest.Nothing:
		in.Kind = committer.Found
	case journaltest.Found:
		var found Entry
		if _, _, err := found.head(r.Data); err != nil {
			m.check(false, "read entry %d: %v", r.Number, err)
		}
		in.Kind, in.Found = committer.Found, &committer.Entry{Incarnation: found.Incarnation, Number: found.Number, Seal: found.Seal}
	}
	told := []committer.Input{in}
	if m.plant.hear != nil {
		told = m.plant.hear(m, in)
	}
	for _, in := range told {
		m.step(in)
	}
}

func (m *sim) step(in committer.Input) {
	in.Now = m.now
	if m.ended != nil {
		m.check(len(m.machine.Step(in)) == 0, "goes on after the end")
		return
	}
	// A copy: what a publish brings about at once is stepped in between.
	for _, e := range append([]committer.Effect(nil), m.machine.Step(in)...) {
		switch e.Kind {
		case committer.Publish:
			m.publish(e)
		case committer.Read:
			m.stream.Read(e.Number, e.Attempt)
		case committer.Durable:
			m.check(e.Number > m.durable, "durable goes from %d to %d", m.durable, e.Number)
			for n := m.durable + 1; n <= e.Number; n++ {
				m.checkEntry(n)
			}
			m.durable = e.Number
		case committer.Ended:
			m.ended = e.Err
			m.check(errors.Is(e.Err, ErrFenced), "ended with %v", e.Err)
			m.check(m.sealAt > 0, "fenced without a seal")
		}
	}
}

func (m *sim) publish(e committer.Effect) {
	expected := int64(e.Number) - 1
	if m.plant.expected != nil {
		expected = m.plant.expected(e.Number)
	}
	data := m.entries[e.Number-1]
	if m.plant.content != nil {
		data = m.plant.content(m, e)
	}
	if m.rnd.IntN(200) == 0 { // the connection refuses to take it
		m.step(committer.Input{Kind: committer.Failure, Number: e.Number, Attempt: e.Attempt})
		return
	}
	m.stream.Publish(e.Number, e.Attempt, expected, data)
}

// checkEntry checks that entry n stands in the log, as offered, before any seal.
func (m *sim) checkEntry(n uint64) {
	log := m.valid()
	if n > uint64(len(log)) {
		m.check(false, "entry %d is durable, but the log ends with %d (first seal at %d)", n, len(log), m.sealAt)
		return
	}
	if n > uint64(len(m.entries)) {
		m.check(false, "entry %d stands in the log, only %d were offered", n, len(m.entries))
		return
	}
	m.check(bytes.Equal(log[n-1], m.entries[n-1]), "entry %d in the log is another", n)
}

func TestModel(t *testing.T) {
	from, to := uint64(1), uint64(modelSeeds)
	if *seedFlag != 0 {
		from, to = *seedFlag, *seedFlag
	}
	var entries, fenced uint64
	for seed := from; seed <= to; seed++ {
		m := newSim(seed, plant{})
		if err := m.run(); err != nil {
			t.Fatalf("seed %d: %v\nrepeat with: go test ./shard/journal -run TestModel -seed %d", seed, err, seed)
		}
		entries += m.durable
		if m.ended != nil {
			fenced++
		}
	}
	t.Logf("%d histories, %d entries durable, %d ended by a seal", to-from+1, entries, fenced)
	if *seedFlag == 0 && (entries < modelSeeds*10 || fenced < modelSeeds/20) {
		t.Error("the histories are too short to prove anything")
	}
}

// Each guard of the committer, taken out, must be missed.
func TestModelFindsPlantedBugs(t *testing.T) {
	ackOf := func(number uint64) committer.Input {
		return committer.Input{Kind: committer.Ack, Number: number, Seq: seqOf(number)}
	}
	plants := []plant{
		{name: "no expected sequence", expected: func(uint64) int64 { return journaltest.Unconditional }},
		{name: "expected sequence off by an entry", expected: func(n uint64) int64 { return int64(n) }},
		{name: "ack of n+1 taken for n", hear: func(m *sim, in committer.Input) []committer.Input {
			if in.Kind == committer.Ack && in.Number > 1 {
				return []committer.Input{ackOf(in.Number - 1), in}
			}
			return []committer.Input{in}
		}},
		{name: "refusal taken for a copy", hear: func(_ *sim, in committer.Input) []committer.Input {
			if in.Kind == committer.Refusal {
				return []committer.Input{ackOf(in.Number)}
			}
			return []committer.Input{in}
		}},
		{name: "refusal taken for a seal", hear: func(_ *sim, in committer.Input) []committer.Input {
			if in.Kind == committer.Refusal {
				return []committer.Input{{Kind: committer.End, Err: ErrFenced}}
			}
			return []committer.Input{in}
		}},
		{name: "whatever is read taken for the entry", hear: func(_ *sim, in committer.Input) []committer.Input {
			if in.Found != nil {
				return []committer.Input{ackOf(in.Number)}
			}
			return []committer.Input{in}
		}},
		{name: "nothing read taken for written", hear: func(_ *sim, in committer.Input) []committer.Input {
			if in.Kind == committer.Found && in.Found == nil {
				return []committer.Input{ackOf(in.Number)}
			}
			return []committer.Input{in}
		}},
		{name: "entry changed when sent again", content: func(m *sim, e committer.Effect) []byte {
			if e.Again {
				return m.encode(e.Number, e.Attempt)
			}
			return m.entries[e.Number-1]
		}},
		{name: "no resend after a failure", hear: func(_ *sim, in committer.Input) []committer.Input {
			if in.Kind == committer.Failure {
				return []committer.Input{{Kind: committer.End, Err: ErrDisconnected}}
			}
			return []committer.Input{in}
		}},
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			const seeds = 400
			found, first := 0, ""
			for seed := uint64(1); seed <= seeds; seed++ {
				if err := newSim(seed, p).run(); err != nil {
					if found == 0 {
						first = fmt.Sprintf("seed %d: %v", seed, err)
					}
					found++
				}
			}
			t.Logf("found in %.1f %% of histories, first %s", 100*float64(found)/seeds, first)
			if found == 0 {
				t.Errorf("not found in %d histories", seeds)
			}
		})
	}
}

func seqOf(n uint64) cluster.LogSeq { return cluster.LogSeq(n) }
