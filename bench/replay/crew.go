package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
)

// crewMate is a worker process, as its coordinator sees it.
type crewMate struct {
	number  int
	cmd     *exec.Cmd
	ending  sync.Once
	exit    error         // valid after wait
	told    time.Duration // when it has said something last; the board's lock guards it
	tell    *json.Encoder
	input   io.Closer
	hear    *json.Decoder
	output  strings.Builder // what it prints as an error; whole, and safe to read, after wait
	players int
	end     *ended
	lag     time.Duration // as it has said last; the board's lock guards it
}

const (
	// headStart is between the word to go and the beginning: all have heard it by
	// then.
	headStart = 100 * time.Millisecond
	// workerFlag is the hidden flag that makes the program a worker.
	workerFlag = "--worker"
)

// job is what a worker is told.
func (r *run) job(worker int) job {
	return job{
		Tape: r.Tape, Target: r.Target, Prefix: r.Prefix, Speed: r.Speed, Unpaced: r.Unpaced, Scale: r.Scale, Seed: r.Seed,
		Patience: r.Patience, Worker: worker, Workers: r.Workers,
	}
}

// hire starts a worker.
func (r *run) hire(number int) (*crewMate, error) {
	command := r.Executable
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own program: %w", err)
		}
		command = []string{self}
	}
	w := &crewMate{number: number, cmd: exec.Command(command[0], append(command[1:len(command):len(command)], "replay", workerFlag)...)}
	w.cmd.Stderr = &w.output
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", errors.Join(err, in.Close()))
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	w.tell, w.input, w.hear = json.NewEncoder(in), in, json.NewDecoder(out)
	return w, nil
}

// work has the workers replay.
func (r *run) work(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.dismiss()) }()
	for n := range r.Workers {
		w, err := r.hire(n)
		if err != nil {
			return err
		}
		r.crew = append(r.crew, w)
	}
	stop := context.AfterFunc(ctx, r.release)
	defer stop()
	if err := r.each(func(w *crewMate) error { return w.prepare(r) }); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	for _, w := range r.crew {
		r.counts.players += w.players
	}
	r.started = time.Now().Add(headStart)
	r.phase(fmt.Sprintf("Replaying %s requests of %s players", figures.Thousands(r.survey.requests*int64(r.Scale)), figures.Thousands(int64(r.counts.players))))
	board := newBoard(r)
	defer board.close()
	err = r.each(func(w *crewMate) error { return w.follow(r, board) })
	return errors.Join(context.Cause(ctx), err)
}

// each is for every worker at once. The first that fails ends the others: without
// its players there is nothing to compare.
func (r *run) each(fn func(*crewMate) error) error {
	var g errgroup.Group
	for _, w := range r.crew {
		g.Go(func() error {
			if err := fn(w); err != nil {
				r.release()
				return fmt.Errorf("worker %d: %w", w.number, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// release ends the workers: each does when nobody tells it anything any more.
func (r *run) release() {
	for _, w := range r.crew {
		_ = w.input.Close()
	}
}

// wait waits until a worker has ended, which is told to.
func (w *crewMate) wait() error {
	w.ending.Do(func() {
		_ = w.input.Close()
		w.exit = w.cmd.Wait()
	})
	return w.exit
}

var errSilent = errors.New("it has ended before it was done")

// next is what a worker says next.
func (w *crewMate) next() (s said, err error) {
	if err := w.hear.Decode(&s); err != nil {
		_ = w.cmd.Process.Kill() // what it says now is not understood; as a rule it has ended
		return s, fmt.Errorf("%w (%w): %s", errSilent, errors.Join(err, w.wait()), strings.TrimSpace(w.output.String()))
	}
	if s.Failed != "" {
		return s, errors.New(s.Failed)
	}
	return s, nil
}

// prepare waits until a worker has read its part of the tape.
func (w *crewMate) prepare(r *run) error {
	if err := w.tell.Encode(r.job(w.number)); err != nil {
		return err
	}
	s, err := w.next()
	if err != nil {
		return err
	}
	if s.Ready == nil {
		return errSilent
	}
	w.players = *s.Ready
	return nil
}

// follow has a worker begin, and hears how it goes until it is done.
func (w *crewMate) follow(r *run, b *board) error {
	if err := w.tell.Encode(gone{At: r.started.UnixNano()}); err != nil {
		return err
	}
	for {
		s, err := w.next()
		if err != nil {
			return err
		}
		switch {
		case s.Went != nil:
			if err := b.add(w, s.Went); err != nil {
				return err
			}
		case s.Ended != nil:
			w.end = s.Ended
			return nil
		}
	}
}

// dismiss ends the workers and sums up what they have seen.
func (r *run) dismiss() error {
	var errs []error
	for _, w := range r.crew {
		err := w.wait()
		if w.end == nil {
			continue // it has said why
		}
		errs = append(errs, err, r.sum(w.end))
		r.counts.processor += w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
	}
	return errors.Join(errs...)
}

func (r *run) sum(e *ended) error {
	r.ledger.merge(e.Ledger)
	r.open += e.Open
	r.took = max(r.took, e.Took)
	c := &r.counts
	c.events += e.Events
	c.reconnects += e.Reconnects
	c.lost.merge(e.Lost)
	c.unopened.merge(e.Unopened)
	c.held += e.Held
	c.skipped = max(c.skipped, e.Skipped)
	for at, n := range e.Due {
		r.second(at).due += n
	}
	r.outcomes = addOutcomes(r.outcomes, e.Outcomes)
	return merged(r.delay, e.Delay)
}

// second is the n-th of the replay.
func (r *run) second(n int) *second {
	for n >= len(r.seconds) {
		r.seconds = append(r.seconds, second{errors: make(map[string]int64), latency: figures.NewHistogram()})
	}
	return &r.seconds[n]
}

// examplesOfKind are kept of all workers.
const examplesOfKind = 12

// addOutcomes adds what another worker has seen.
func addOutcomes(all, more []report.Outcomes) []report.Outcomes {
	for _, o := range more {
		at := indexOfKind(all, o.Kind)
		if at < 0 {
			all = append(all, o)
			continue
		}
		sum := &all[at]
		addCounts(&sum.Then, o.Then)
		addCounts(&sum.Now, o.Now)
		sum.Differ += o.Differ
		sum.Examples = append(sum.Examples, o.Examples...)
		sum.Examples = sum.Examples[:min(len(sum.Examples), examplesOfKind)]
	}
	return all
}

func indexOfKind(all []report.Outcomes, kind string) int {
	for i := range all {
		if all[i].Kind == kind {
			return i
		}
	}
	return -1
}

func addCounts(sum *map[string]int64, more map[string]int64) {
	if *sum == nil && more != nil {
		*sum = make(map[string]int64)
	}
	for name, n := range more {
		(*sum)[name] += n
	}
}
