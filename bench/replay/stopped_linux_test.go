package replay

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopper stops the first worker for a while, in the middle of a replay.
type stopper struct {
	t            *testing.T
	run          *run
	from, length time.Duration
	at           time.Duration
	over         bool
}

func (s *stopper) Phase(string) {}
func (s *stopper) Done()        {}

func (s *stopper) Tick(k Tick) {
	worker := s.run.crew[0].cmd.Process
	switch {
	case s.at == 0 && k.Elapsed > s.from:
		s.at = k.Elapsed
		if err := worker.Signal(syscall.SIGSTOP); err != nil {
			s.t.Error(err)
		}
	case s.at > 0 && !s.over && k.Elapsed > s.at+s.length:
		s.over = true
		if err := worker.Signal(syscall.SIGCONT); err != nil {
			s.t.Error(err)
		}
	}
}

func TestWorkerWithoutAProcessorIsTheLimit(t *testing.T) {
	r := alone(t, false, Config{Tape: pings(t, 50, 3000, ms/2), Workers: 2})
	r.Progress = &stopper{t: t, run: r, from: 1200 * ms, length: 400 * ms}
	if err := r.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := r.judgeRate()
	if v.limit != "generator" || !strings.Contains(v.because, "worker 1 of 2 sent") || !strings.Contains(v.because, "others on this machine") {
		t.Errorf("got %+v, want the worker that was stopped", v)
	}
	if s := r.crew[0].end.Strain; s.Worst < 300*ms {
		t.Errorf("got %+v, want it to be late by as long as it was stopped", s)
	}
}

// More is due than one goroutine sends.
func TestWorkerThatCannotDoMoreIsTheLimit(t *testing.T) {
	r := alone(t, false, Config{Tape: pings(t, 50, 20_000, time.Microsecond/2), Workers: 1})
	if err := r.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := r.report(nil)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(out.Notes, " "); out.Limit != "generator" || !strings.Contains(notes, "worker 1 of 1 sent") || !strings.Contains(notes, "--speed") {
		t.Errorf("got %q, %q, want the worker to be the limit", out.Limit, notes)
	}
}
