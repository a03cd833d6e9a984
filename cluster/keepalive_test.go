package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a lease of 3 s, kept alive with a margin of half a second, in a
// synctest bubble. The server is what ping says it is.
type patient struct {
	*keeper
	t    *testing.T
	skew atomic.Pointer[instant] // added to the clocks
	err  error
	done chan struct{}
}

const (
	testTTL    = 3 * time.Second
	testMargin = 500 * time.Millisecond
)

func newPatient(t *testing.T, ping func(context.Context) (time.Duration, error)) *patient {
	start := time.Now()
	p := &patient{t: t, done: make(chan struct{})}
	p.skew.Store(&instant{})
	clocks := func() instant {
		skew := p.skew.Load()
		return instant{mono: time.Since(start) + skew.mono, wall: time.Duration(time.Now().UnixNano()) + skew.wall}
	}
	p.keeper = &keeper{
		lease:    newLease(clocks, testMargin),
		ping:     ping,
		progress: func() bool { return true },
		every:    testTTL / 6,
		patience: testTTL / 3,
		log:      slog.New(slog.DiscardHandler),
	}
	p.lease.renew(clocks(), testTTL)
	return p
}

// run keeps the lease alive in the background until the test ends.
func (p *patient) run() {
	ctx, cancel := context.WithCancel(p.t.Context())
	p.t.Cleanup(cancel)
	go func() {
		p.err = p.keeper.run(ctx)
		close(p.done)
	}()
}

// lostAt waits for the loss and returns when, since the beginning, it came.
func (p *patient) lostAt() time.Duration {
	start := time.Now()
	<-p.done
	if !errors.Is(p.err, ErrLeaseLost) {
		p.t.Errorf("got %v, want ErrLeaseLost", p.err)
	}
	return time.Since(start)
}

func (p *patient) wantValid(when string, want bool) {
	p.t.Helper()
	if got := p.lease.valid(); got != want {
		p.t.Errorf("%s: valid: got %v, want %v", when, got, want)
	}
}

func alive(context.Context) (time.Duration, error) { return testTTL, nil }

func TestLeaseCountsFromBeforeSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := 0
		p := newPatient(t, func(ctx context.Context) (time.Duration, error) {
			// The first ping travels for 900 ms, the others never arrive.
			if answers++; answers > 1 {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			time.Sleep(900 * time.Millisecond)
			return testTTL, nil
		})
		p.run()
		// 2.5 s after the ping was sent, not after it was answered.
		if got, want := p.lostAt(), testTTL-testMargin; got != want {
			t.Errorf("lost after %v, want %v", got, want)
		}
		p.wantValid("then", false)
	})
}

func TestLeaseStaysWhileRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, alive)
		p.run()
		for range 100 {
			time.Sleep(777 * time.Millisecond)
			p.wantValid("later", true)
		}
	})
}

func TestLeaseSurvivesFailingPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		p := newPatient(t, func(ctx context.Context) (time.Duration, error) {
			switch n++; n % 3 {
			case 0:
				return testTTL, nil
			case 1:
				<-ctx.Done() // Its patience ends.
				return 0, ctx.Err()
			}
			return 0, errors.New("connection refused")
		})
		p.run()
		for range 100 {
			time.Sleep(333 * time.Millisecond)
			p.wantValid("later", true)
		}
	})
}

func TestLeaseEndsByEitherClock(t *testing.T) {
	for name, skew := range map[string]instant{
		"monotonic": {mono: testTTL - testMargin},
		"wall":      {wall: testTTL - testMargin},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pings := 0
				p := newPatient(t, func(context.Context) (time.Duration, error) { pings++; return testTTL, nil })
				p.run()
				synctest.Wait()
				p.wantValid("before", true)
				// The process was stopped, or its machine suspended, and is
				// back: the answer comes before the keeper has run again.
				p.skew.Store(&skew)
				pings = 0
				p.wantValid("after the pause", false)
				<-p.done
				// A ping would have succeeded, and must not be tried.
				if pings != 0 {
					t.Errorf("%d pings were sent after the deadline", pings)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, alive)
		p.skew.Store(&instant{wall: -time.Hour}) // The wall clock was set back.
		p.wantValid("before the deadline", true)
		time.Sleep(testTTL - testMargin)
		p.wantValid("at the deadline", false)
	})
}

func TestLeaseAnswerAfterAPauseIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *patient
		p = newPatient(t, func(context.Context) (time.Duration, error) {
			// The answer is there, and then the process is stopped.
			p.skew.Store(&instant{mono: 10 * time.Second, wall: 10 * time.Second})
			return testTTL, nil
		})
		p.run()
		<-p.done
		p.wantValid("after the pause", false)
	})
}

func TestLeaseNeedsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pings := 0
		p := newPatient(t, func(context.Context) (time.Duration, error) { pings++; return testTTL, nil })
		p.progress = func() bool { return false }
		p.run()
		if got, want := p.lostAt(), testTTL-testMargin; got != want || pings != 0 {
			t.Errorf("lost after %v and %d pings, want after %v and none", got, pings, want)
		}
	})
}

func TestLeaseGoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatient(t, func(context.Context) (time.Duration, error) { return 0, errLeaseGone })
		p.run()
		if got := p.lostAt(); got != 0 {
			t.Errorf("lost after %v, want at once", got)
		}
	})
}

func BenchmarkValid(b *testing.B) {
	l := newLease(readClocks, time.Millisecond)
	l.renew(readClocks(), time.Hour)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !l.valid() {
				b.Error("not valid")
				return
			}
		}
	})
}
