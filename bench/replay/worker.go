package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
)

// job is what a worker is told, as one JSON document. Then it is told to go, by
// another.
type job struct {
	Tape     string
	Target   launch.Target
	Prefix   string
	Speed    float64
	Unpaced  bool
	Scale    int
	Seed     uint64
	Patience time.Duration
	// Worker is one of so many Workers.
	Worker, Workers int
}

// plays says whether a worker has the copy of a player.
func (j *job) plays(player, copied int) bool { return (player+copied)%j.Workers == j.Worker }

// gone has a worker begin.
type gone struct {
	// At is when everybody does, in Unix nanoseconds.
	At int64
}

// said is what a worker says, a JSON document each.
type said struct {
	// Ready: it has read the tape, and has so many players.
	Ready *int
	Went  *went
	Ended *ended
	// Failed says why it cannot go on.
	Failed string
}

// went is what happened since the worker has said it last.
type went struct {
	At      time.Duration // of the replay
	Sent    int64
	Done    int64
	Errors  map[string]int64    `json:",omitempty"`
	Latency report.Distribution `json:",omitempty"`
	Lag     time.Duration
}

// ended is what a worker has seen, at the end.
type ended struct {
	Outcomes []report.Outcomes
	Answered bool
	Delay    report.Distribution
	// Due is how many requests fell due in each second.
	Due    []int64
	Ledger ledger
	// Open purchases are those whose outcome is not known.
	Open                     int64
	Events, Reconnects, Held int64
	// Lost and Unopened are connections.
	Lost, Unopened mishaps
	Skipped        int
	Took           time.Duration
	Strain         strain
}

// Work is what a worker process does: it hears on in what to send, and says on out
// how it goes. It ends early when in does.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	say := json.NewEncoder(out)
	err := work(ctx, json.NewDecoder(in), say)
	if err == nil {
		return nil
	}
	return errors.Join(err, say.Encode(said{Failed: err.Error()}))
}

func work(ctx context.Context, hear *json.Decoder, say *json.Encoder) error {
	var j job
	if err := hear.Decode(&j); err != nil {
		return fmt.Errorf("hear what to do: %w", err)
	}
	s, err := load(j.Tape, j.Unpaced, func(player int) bool { return j.Scale > 1 || j.plays(player, 0) })
	if err != nil {
		return err
	}
	e, err := newEngine(j, s)
	if err != nil {
		return err
	}
	defer e.close()
	if err := say.Encode(said{Ready: &e.living}); err != nil {
		return fmt.Errorf("tell: %w", err)
	}
	var g gone
	if err := hear.Decode(&g); err != nil {
		return fmt.Errorf("hear when to begin: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends with the process
		var more json.RawMessage
		cancel(fmt.Errorf("end early: %w", hear.Decode(&more)))
	}()

	t := newTeller(say)
	due := e.dues()
	e.start = time.Now().Add(time.Until(time.Unix(0, g.At)))
	e.tell = func(now time.Duration) { t.tell(now, &e.tally.now) }
	err = e.run(ctx)
	if err := errors.Join(err, t.close(e.now(), &e.tally.now)); err != nil {
		return err
	}
	end, err := e.ended()
	if err != nil {
		return err
	}
	end.Due = due
	return say.Encode(said{Ended: end})
}

// dues counts the requests of each second.
func (e *engine) dues() (due []int64) {
	if e.Unpaced {
		return nil
	}
	for _, p := range e.agenda {
		for i := range p.part.steps {
			s := &p.part.steps[i]
			if s.kind == connecting || s.kind == leaving {
				continue
			}
			second := int(e.due(p, s) / time.Second)
			for second >= len(due) {
				due = append(due, 0)
			}
			due[second]++
		}
	}
	return due
}

func (e *engine) ended() (*ended, error) {
	t := e.tally
	delay, err := report.NewDistribution(t.delay)
	if err != nil {
		return nil, err
	}
	end := &ended{
		Outcomes: t.outcomes(), Answered: t.answered, Delay: delay, Ledger: t.ledger, Events: t.events, Reconnects: t.reconnects,
		Lost: t.lost, Unopened: t.unopened, Held: t.held, Skipped: e.script.skipped, Took: e.now(), Strain: t.strain,
	}
	for k, d := range t.byKind[fieldBuy] {
		if k.now.unsettled() {
			end.Open += d.count
		}
	}
	return end, nil
}

// teller tells how it goes, apart from the engine: a histogram takes a millisecond
// to encode, in which nothing would be sent.
type teller struct {
	say   *json.Encoder
	news  chan told
	spare chan window // has room for all, and the one that the engine fills
	ended chan struct{}
	err   error // when ended is closed
}

type told struct {
	at     time.Duration
	window window
}

// windows are so many: one is written while the next is filled.
const windows = 4

func newTeller(say *json.Encoder) *teller {
	t := &teller{say: say, news: make(chan told, windows), spare: make(chan window, windows+1), ended: make(chan struct{})}
	for range windows {
		t.spare <- newWindow()
	}
	go t.run()
	return t
}

// tell gives the window away, in exchange for an empty one. When none is free, it
// goes on being filled.
func (t *teller) tell(now time.Duration, w *window) {
	select {
	case empty := <-t.spare:
		t.news <- told{now, *w}
		*w = empty
	default:
	}
}

func (t *teller) run() {
	defer close(t.ended)
	for n := range t.news {
		w := n.window
		latency, err := report.NewDistribution(w.latency)
		if err == nil {
			err = t.say.Encode(said{Went: &went{At: n.at, Sent: w.sent, Done: w.done, Errors: w.errors, Latency: latency, Lag: w.lag}})
		}
		t.err = errors.Join(t.err, err)
		w.latency.Reset()
		t.spare <- window{errors: make(map[string]int64), latency: w.latency}
	}
}

// close tells of the last window, and waits until everything is told.
func (t *teller) close(now time.Duration, w *window) error {
	t.news <- told{now, *w}
	close(t.news)
	<-t.ended
	return t.err
}

// merged adds a distribution to a histogram.
func merged(h *hdrhistogram.Histogram, d report.Distribution) error {
	if d == "" {
		return nil
	}
	more, err := d.Histogram()
	if err != nil {
		return err
	}
	h.Merge(more)
	return nil
}
