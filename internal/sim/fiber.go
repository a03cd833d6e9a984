package sim

import (
	"context"
	"iter"
	"time"
)

// fiber is code that waits, written as if it had a goroutine: the transactions
// of cluster.Member do. One runs at a time, and only its waiting lets others run,
// so that what happens depends on the seed alone.
type fiber struct {
	w     *World
	life  *life
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	waits uint64 // counts them, so that a late wake is for nobody
	over  bool
}

// unwound is what a fiber panics with when its life has ended.
type unwound struct{}

// run starts f as a fiber of the life.
func (l *life) run(f func()) {
	fb := &fiber{w: l.w, life: l}
	fb.next, fb.stop = iter.Pull(func(yield func(struct{}) bool) {
		fb.yield = yield
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(unwound); !ok {
					panic(p)
				}
			}
		}()
		f()
	})
	kept := l.fibers[:0]
	for _, other := range l.fibers {
		if !other.over {
			kept = append(kept, other)
		}
	}
	l.fibers = append(kept, fb)
	l.soon(fb.resume)
}

func (fb *fiber) resume() {
	if fb.over {
		return
	}
	w := fb.w
	was := w.current
	w.current = fb
	_, alive := fb.next()
	w.current = was
	fb.over = !alive
}

// block has the running fiber wait until wake is called, which arm is given.
func (w *World) block(arm func(wake func())) {
	fb := w.current
	fb.waits++
	n := fb.waits
	arm(func() {
		if fb.waits == n && !fb.over {
			fb.waits++
			fb.life.soon(fb.resume)
		}
	})
	if !fb.yield(struct{}{}) {
		panic(unwound{})
	}
}

// deadline is a context that ends at a moment of the process's own clock, which
// whoever waits has to look at: its Done is never closed.
type deadline struct {
	context.Context
	p  *process
	at time.Duration
}

// within returns a context that ends after d, or with its parent.
func (p *process) within(parent context.Context, d time.Duration) *deadline {
	at := p.mono() + d
	if up, ok := parent.(*deadline); ok {
		at = min(at, up.at)
	}
	return &deadline{Context: context.Background(), p: p, at: at}
}

// left is how much of the context is left.
func left(ctx context.Context) time.Duration {
	d, ok := ctx.(*deadline)
	if !ok {
		return time.Hour
	}
	return d.at - d.p.mono()
}

func (d *deadline) Deadline() (time.Time, bool) { return time.Unix(0, int64(d.at)), true }

func (d *deadline) Err() error {
	if d.p.mono() >= d.at {
		return context.DeadlineExceeded
	}
	return nil
}

// rest waits for d by the process's clock, but not longer than ctx, and is false
// when that has ended.
func (l *life) rest(ctx context.Context, d time.Duration) bool {
	l.w.block(func(wake func()) { l.after(max(0, min(d, left(ctx))), wake) })
	return ctx.Err() == nil
}

// lock is held by one fiber at a time, or shared by several.
type lock struct {
	held    bool
	shared  int
	waiting []func()
}

func (k *lock) take(w *World) {
	for k.held || k.shared > 0 {
		w.block(func(wake func()) { k.waiting = append(k.waiting, wake) })
	}
	k.held = true
}

func (k *lock) share(w *World) {
	for k.held {
		w.block(func(wake func()) { k.waiting = append(k.waiting, wake) })
	}
	k.shared++
}

// leave gives up what take or share gave.
func (k *lock) leave() {
	if k.held {
		k.held = false
	} else {
		k.shared--
	}
	waiting := k.waiting
	k.waiting = nil
	for _, wake := range waiting {
		wake()
	}
}
