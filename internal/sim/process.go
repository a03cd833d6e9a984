package sim

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// process is one node of the cluster over all its lives.
type process struct {
	w    *World
	at   endpoint
	name cluster.NodeName

	// rate is how fast its clocks run; ahead is by how much the wall clock has
	// been set wrong, slept how long the monotonic one has stood still.
	rate         float64
	ahead, slept time.Duration
	// still is until when it stands still, as if stopped by a signal.
	still time.Duration
	// asleep and turned are until when it may believe in a lease that is older than
	// its last suspension, or than the last time its wall clock was set back. Reads
	// rest on one of the two clocks to tell the truth about a lease, so the world
	// does not make both of them lie about the same one.
	asleep, turned time.Duration

	life  *life           // nil while it is down
	lease cluster.LeaseID // of the last life
}

// start is when the simulated world began, by a wall clock that is right.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (p *process) mono() time.Duration {
	return time.Duration(float64(p.w.now)*p.rate) - p.slept
}

func (p *process) wall() time.Time {
	return start.Add(time.Duration(float64(p.w.now)*p.rate) + p.ahead)
}

func (p *process) clocks() cluster.Instant {
	return cluster.Instant{Mono: p.mono(), Wall: time.Duration(p.wall().UnixNano())}
}

// real is how long it takes until d has passed by the process's clocks.
func (p *process) real(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(float64(d)/p.rate) + 2 // never a bit too early
}

// pause makes the process stand still. Suspended with the whole machine, its
// monotonic clock stands still as well.
func (p *process) pause(d time.Duration, suspended bool) {
	w := p.w
	suspended = suspended && w.now >= p.turned
	w.note(p.name, "stands still for %v, suspended %t", d, suspended)
	longer := w.now + d - max(p.still, w.now)
	if longer <= 0 {
		return
	}
	p.still = w.now + d
	if suspended { // at once: nobody looks at the clock meanwhile
		p.slept += time.Duration(float64(longer) * p.rate)
		p.asleep = p.still + 2*w.weather.ttl
	}
}

// set puts the wall clock forward, or back.
func (p *process) set(by time.Duration) {
	w := p.w
	if by < 0 && w.now < p.asleep {
		return
	}
	w.note(p.name, "has its wall clock set by %v", by)
	p.ahead += by
	if by < 0 {
		p.turned = w.now + 2*w.weather.ttl
	}
}

// crash ends the life, and begins the next after down.
func (p *process) crash(down time.Duration) {
	if p.life != nil {
		p.w.note(p.life.name(), "crashes")
		p.life.end()
	}
	p.w.after(down, p.boot)
}

// boot begins a life unless there is one.
func (p *process) boot() {
	if p.life != nil || p.w.broken != nil {
		return
	}
	p.life = newLife(p)
	p.life.run(p.life.begin)
}
