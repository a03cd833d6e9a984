package replay

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
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

// That requests which were due meanwhile have to wait for each other, in the order
// of the tape, is not the server's fault.
func TestWorkerWithoutAProcessorIsTheLimit(t *testing.T) {
	for name, file := range map[string]string{
		"each for itself":      pings(t, 50, 3000, ms/2),
		"each after an answer": chain(t, 20, 150, 10*ms),
	} {
		t.Run(name, func(t *testing.T) {
			r := alone(t, false, Config{Tape: file, Workers: 2})
			r.Progress = &stopper{t: t, run: r, from: 1200 * ms, length: 400 * ms}
			if err := r.work(t.Context()); err != nil {
				t.Fatal(err)
			}
			v := r.judgeRate()
			if v.limit != "generator" || !strings.Contains(v.because, "worker 1 of 2 ") || !strings.Contains(v.because, "others on this machine") {
				t.Errorf("got %+v of %+v, want the worker that was stopped", v, r.counts)
			}
			if s := r.crew[0].end.Strain; s.Worst < 300*ms {
				t.Errorf("got %+v, want it to be late by as long as it was stopped", s)
			}
		})
	}
}

// chain is a tape of players who each ask as soon as they are answered, more or
// less.
func chain(t *testing.T, conns, requests int, apart time.Duration) string {
	var all []*tape.Record
	for c := range conns {
		all = append(all, opened(0, uint64(c), fmt.Sprintf("p%d", c)))
	}
	for n := range requests {
		at := time.Second + time.Duration(n)*apart
		for c := range conns {
			all = append(all, &tape.Record{Kind: tape.Received, At: at, Conn: uint64(c), Frame: []byte{8, byte(2 + n%100), fieldPing<<3 | 2, 0}})
		}
		for c := range conns {
			all = append(all, &tape.Record{Kind: tape.Sent, At: at + apart/2, Conn: uint64(c), Frame: []byte{8, byte(2 + n%100), 4<<3 | 2, 0}})
		}
	}
	return record(t, all...)
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
	if notes := strings.Join(out.Notes, " "); out.Limit != "generator" || !strings.Contains(notes, "worker 1 of 1 ") || !strings.Contains(notes, "--speed") {
		t.Errorf("got %q, %q, want the worker to be the limit", out.Limit, notes)
	}
}
