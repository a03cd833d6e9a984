package world

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// dialing is how many viewers connect at once.
const dialing = 64

// receipt is a message that arrived at a viewer.
type receipt struct {
	at      int64 // Unix time in nanoseconds
	message messageID
}

// viewer is one who watches.
type viewer struct {
	*member
	gateway int
	// narrow: its socket takes little before the server has to wait.
	narrow bool
	// sampled: what it is sent is decoded, all of it.
	sampled bool
	// stalled: it does not read, or has not for a while.
	stalled bool

	// Guarded by the audience.
	log   []receipt // since it was judged last
	bytes int64
	gone  error // why it was disconnected

	// Of the judge.
	seats []*seat
}

// audience is all who watch a scene, and notes what reaches them: what arrived
// when, no more. It is judged afterwards.
type audience struct {
	scene scene
	crowd crowd
	next  int // number of the next viewer, also of those who left

	mu      sync.Mutex
	viewers []*viewer // guarded by mu
	library *library  // guarded by mu
}

func newAudience(s scene) (*audience, error) {
	a := &audience{scene: s, library: newLibrary()}
	var err error
	a.crowd, err = newCrowd(a)
	return a, err
}

func (a *audience) close() { a.crowd.close() }

// Lock and Unlock are for the crowd.
func (a *audience) Lock()   { a.mu.Lock() }
func (a *audience) Unlock() { a.mu.Unlock() }

func (a *audience) arrived(m *member, payload []byte, at time.Time) {
	m.viewer.log = append(m.viewer.log, receipt{at.UnixNano(), a.library.file(payload)})
}

func (a *audience) read(m *member, bytes int) { m.viewer.bytes += int64(bytes) }

func (a *audience) left(m *member, err error) { m.viewer.gone = err }

// grow has more viewers come, until there are n. Each of those for whom narrow
// is true has a narrow socket.
func (a *audience) grow(ctx context.Context, n int, narrow func(i int) bool) error {
	if err := checkFiles(n); err != nil {
		return err
	}
	a.mu.Lock()
	missing := n - len(a.viewers)
	a.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(dialing)
	for ; missing > 0; missing-- {
		i := a.next
		a.next++
		g.Go(func() error { return a.admit(ctx, i, narrow(i)) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// admit has viewer i come.
func (a *audience) admit(ctx context.Context, i int, narrow bool) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address, gateway := rotate(a.scene.addresses(), i)
	s, err := dialSocket(ctx, address, narrow)
	if err != nil {
		return err
	}
	v := &viewer{gateway: gateway, narrow: narrow, sampled: i < 4 || i%128 == 0}
	v.member = newMember(s, v, a)
	a.mu.Lock()
	a.viewers = append(a.viewers, v)
	a.mu.Unlock()
	err = a.scene.enter(ctx, i, s, func(message []byte) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.arrived(v.member, message, time.Now())
	})
	if err == nil && len(s.early) > 0 {
		a.mu.Lock()
		err = v.take(a, s.early)
		a.mu.Unlock()
		s.early = nil
	}
	if err == nil {
		err = a.crowd.add(v.member)
	}
	if err == nil {
		return nil
	}
	a.mu.Lock()
	v.gone = err
	a.mu.Unlock()
	return errors.Join(err, s.wire.Close())
}

// shrink has the latest viewers go, until there are n.
func (a *audience) shrink(n int) {
	a.dismiss(func(i int, _ *viewer) bool { return i >= n })
}

// sweep forgets the viewers who were disconnected.
func (a *audience) sweep() {
	a.dismiss(func(_ int, v *viewer) bool { return v.gone != nil })
}

// dismiss has viewers go.
func (a *audience) dismiss(goes func(i int, v *viewer) bool) {
	a.mu.Lock()
	var leaving, staying []*viewer
	for i, v := range a.viewers {
		if goes(i, v) {
			leaving = append(leaving, v)
		} else {
			staying = append(staying, v)
		}
	}
	a.viewers = staying
	a.mu.Unlock()
	for _, v := range leaving {
		a.crowd.remove(v.member)
	}
}

// judge judges what viewers have been sent since the last time: those who are
// stalled, or all others.
func (a *audience) judge(j *judge, stalled bool, from, to time.Time) (*verdict, error) {
	a.mu.Lock()
	defer a.mu.Unlock() // nobody files anything meanwhile
	return j.judge(a.notes(stalled), from, to)
}

// notes takes what viewers have been sent. The audience is locked.
func (a *audience) notes(stalled bool) (all []note) {
	for _, v := range a.viewers {
		if v.stalled == stalled {
			all = append(all, note{v, v.log, v.gone != nil})
			v.log = make([]receipt, 0, len(v.log))
		}
	}
	return all
}

// received is the bytes that all viewers have had of the server.
func (a *audience) received() (bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range a.viewers {
		bytes += v.bytes
	}
	return bytes
}
