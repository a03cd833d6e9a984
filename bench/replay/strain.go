package replay

import (
	"fmt"
	"runtime"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

const (
	// delayTooLong is a worker's own delay from which on latencies say more about it
	// than about the server.
	delayTooLong = 5 * time.Millisecond
	// lateShare of a worker's requests may be late, and lateRequests in any case: a
	// hiccup is no limit.
	lateShare    = 0.01
	lateRequests = 10
	// saturatedShare of a core: an engine that uses so much has no time to spare. Two
	// that share a core get less.
	saturatedShare = 0.8
	// heldShare of the requests may have waited for an answer longer than on the
	// tape before the server counts as the limit.
	heldShare = 0.05
)

// strain is how hard it was for a worker to keep its schedule.
type strain struct {
	Sent int64
	// Late requests were sent, and answers read, more than delayTooLong after they
	// could be, Worst the latest of them, between From and To of the replay. Behind
	// are requests that had to wait for an answer after that, and since.
	Late     int64
	Behind   int64
	Worst    time.Duration
	From, To time.Duration
	// Used is the share of a core that the engine had from when late requests could
	// have been sent, or answers read, until they were.
	Used float64
	// Saturated is how much of its time it had none to spare, and Held how many other
	// requests had to wait for an answer then: nobody knows for whose.
	Saturated time.Duration
	Held      int64
}

const (
	// looking is how often the engine looks at itself: a burst is longer.
	looking = 20 * time.Millisecond
	// moments are remembered: a second and more, and what is later than that was
	// late for long.
	moments = 64
)

// moment is when the engine has looked at itself.
type moment struct {
	at        time.Duration // of the replay
	processor time.Duration // of its thread, ever
}

// stretch is the time since the last look.
type stretch struct {
	since moment
	late  int64
	held  int64
	worst time.Duration
	past  [moments]moment // a ring
	next  int
}

// delayed takes down that a request was sent so long after it could be. held: it
// had to wait for an answer before.
func (s *stretch) delayed(by time.Duration, held bool) {
	if by > delayTooLong {
		s.missed(by)
	}
	if held {
		s.held++
	}
}

// missed takes down that something was done too late.
func (s *stretch) missed(by time.Duration) {
	s.late++
	s.worst = max(s.worst, by)
}

// look ends a stretch, and begins the next one.
func (s *strain) look(t *stretch, now moment) {
	if length := now.at - t.since.at; length > 0 {
		if t.late > 0 {
			from := t.before(now.at - max(t.worst, length))
			used := float64(now.processor-from.processor) / float64(now.at-from.at)
			if s.Late == 0 {
				s.From = from.at
			}
			s.To = now.at
			s.Used = (s.Used*float64(s.Late) + used*float64(t.late)) / float64(s.Late+t.late)
			s.Late += t.late
			s.Worst = max(s.Worst, t.worst)
		}
		if float64(now.processor-t.since.processor) >= saturatedShare*float64(length) {
			s.Saturated += length
			s.Held += t.held
		}
	}
	t.past[t.next%moments] = now
	t.next++
	t.since, t.late, t.held, t.worst = now, 0, 0, 0
}

// before is the last look before some time, or the first that is known.
func (s *stretch) before(at time.Duration) (m moment) {
	for i := s.next - 1; i >= max(s.next-moments, 0); i-- {
		if m = s.past[i%moments]; m.at <= at {
			break
		}
	}
	return m
}

// late says whether a worker has not kept its schedule.
func (w *crewMate) late() bool {
	s := &w.end.Strain
	return float64(s.Late+s.Behind) > max(lateRequests, lateShare*float64(s.Sent))
}

// saturated says whether that was so because it could not do more.
func (w *crewMate) saturated(unpaced bool) bool {
	s := &w.end.Strain
	if unpaced {
		return s.Saturated > time.Duration(saturatedShare*float64(w.end.Took))
	}
	return w.late() && s.Used >= saturatedShare
}

// verdict is who could not keep the rate, and how that is known.
type verdict struct {
	limit   string // as in report.Run
	because string // one sentence or more; "" where nobody is the limit
}

// judgeRate finds out who was the limit. A worker that does all it can is, whatever
// the server did meanwhile: nobody knows how fast that would have been.
func (r *run) judgeRate() verdict {
	var worst *crewMate
	var heldByWorkers int64
	for _, w := range r.crew {
		if w.end == nil {
			continue
		}
		heldByWorkers += w.end.Strain.Held + w.end.Strain.Behind
		if full := w.saturated(r.Unpaced); (full || w.late() && !r.Unpaced) && (worst == nil || w.worseThan(worst, r.Unpaced)) {
			worst = w
		}
	}
	held := func(n int64) bool { return !r.Unpaced && float64(n) > heldShare*float64(r.counts.sent) }
	switch {
	case worst != nil && worst.saturated(r.Unpaced):
		return verdict{"generator", r.blame(worst)}
	case held(r.counts.held - heldByWorkers):
		return verdict{"server", ""}
	case worst != nil:
		return verdict{"generator", r.blame(worst)}
	case held(heldByWorkers):
		return verdict{"generator", "The GENERATOR was the limit: requests waited for answers while workers had no time to spare. " + r.advice(true)}
	default:
		return verdict{}
	}
}

func (w *crewMate) worseThan(o *crewMate, unpaced bool) bool {
	if full := w.saturated(unpaced); full != o.saturated(unpaced) {
		return full
	}
	return w.end.Strain.Worst > o.end.Strain.Worst
}

// blame says what a worker did not manage, and what to do about it.
func (r *run) blame(w *crewMate) string {
	s := &w.end.Strain
	who := fmt.Sprintf("worker %d of %d", w.number+1, r.Workers)
	if r.Unpaced {
		return fmt.Sprintf("The GENERATOR was the limit: %s used a whole core, and the server could have had more. %s", who, r.advice(true))
	}
	why := fmt.Sprintf("got %.0f%% of a core, as much as others on this machine left it", 100*s.Used)
	if w.saturated(false) {
		why = "used a whole core"
	}
	return fmt.Sprintf("The GENERATOR was the limit: %s sent requests or read answers %s times more than %s after it could, up to %s, between %.1f and %.1f s, and %s. %s",
		who, figures.Thousands(s.Late), delayTooLong, s.Worst.Round(time.Millisecond), s.From.Seconds(), s.To.Seconds(), why, r.advice(w.saturated(false)))
}

// advice is what helps when workers are the limit: more of them if there are cores,
// and those there are do all they can.
func (r *run) advice(saturated bool) string {
	less := "Lower --speed or --scale, or replay from another machine."
	if r.Unpaced {
		less = "Replay from another machine."
	}
	if cores := runtime.GOMAXPROCS(0); saturated && r.Workers < cores {
		return fmt.Sprintf("Try --workers %d. %s", min(2*r.Workers, cores), less)
	}
	return less
}
