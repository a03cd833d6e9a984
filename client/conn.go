package client

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Conn is a player's connection. It outlives the WebSocket connections it uses:
// when one drops it dials another and sends again what was not answered.
//
// A request's context bounds the wait, not the request: after it ended, only
// sending the same request again tells what became of it.
type Conn struct {
	url  string
	opts Options

	ctx    context.Context // ends with Close, or with cause when there is no way on
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when run has ended

	// slots bounds the requests in flight.
	slots  chan struct{}
	events chan Event
	// dropped counts the events that nobody fetched in time.
	dropped atomic.Uint64
	// world has a mutex of its own, which is taken after mu, if both are.
	world *world

	mu          sync.Mutex
	wire        *wire // nil while reconnecting
	welcome     *clientv1.Welcome
	pending     map[uint64]*call
	seq         uint64
	nextRequest uint64
	watched     []string
	lastLine    uint64 // of chat; see nextLine
}

// call is one request that waits for its answer.
type call struct {
	frame *clientv1.ClientFrame
	// answer has room for one: the reader never waits for the caller. It is nil
	// for a request of the Conn's own.
	answer chan answer
}

type answer struct {
	frame *clientv1.ServerFrame
	err   error
}

// Dial connects and authenticates. url may name several gateways, separated by
// commas: they are tried in order, now and whenever the connection drops. ctx
// bounds this first try, not the Conn.
func Dial(ctx context.Context, url string, o Options) (*Conn, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("check options: %w", err)
	}
	o = o.withDefaults()
	w, err := dialWire(ctx, url, o)
	if err != nil {
		return nil, err
	}
	inFlight := o.MaxInFlight
	if limit := int(w.welcome.GetLimits().GetMaxInFlight()); limit > 0 {
		inFlight = min(inFlight, limit)
	}
	c := &Conn{
		url: url, opts: o,
		done:        make(chan struct{}),
		slots:       make(chan struct{}, inFlight),
		events:      make(chan Event, o.EventBuffer),
		world:       newWorld(),
		wire:        w,
		welcome:     w.welcome,
		pending:     make(map[uint64]*call),
		seq:         1, // Hello had it
		nextRequest: max(w.welcome.GetNextRequest(), 1),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	go c.run(w)
	return c, nil
}

// Player is the id that the token was issued to.
func (c *Conn) Player() string { return c.Welcome().GetPlayer() }

// Welcome is the server's latest greeting.
func (c *Conn) Welcome() *clientv1.Welcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.welcome
}

// Done is closed when the Conn has ended: by Close, or because there is no way
// to reconnect.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the Conn has ended; nil while it lives.
func (c *Conn) Err() error { return context.Cause(c.ctx) }

// Close ends the connection and waits for its goroutine. Requests in flight
// fail with ErrClosed.
func (c *Conn) Close() error {
	c.cancel(ErrClosed)
	<-c.done
	return nil
}

// roundTrip sends body and waits for its answer.
func (c *Conn) roundTrip(ctx context.Context, frame *clientv1.ClientFrame) (*clientv1.ServerFrame, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, c.Err()
	}
	call := &call{frame: frame, answer: make(chan answer, 1)}
	w, err := c.register(call)
	if err != nil {
		return nil, err
	}
	defer c.forget(frame.Seq)
	if w != nil {
		if err := w.send(frame); err != nil {
			// The reader notices, reconnects, and sends it again.
			_ = w.close(false)
		}
	}
	select {
	case a := <-call.answer:
		if a.err != nil {
			return nil, a.err
		}
		if e := a.frame.GetError(); e != nil {
			return nil, newError(e)
		}
		return a.frame, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// register files the call and returns the wire that the caller must send it
// on; nil when the next one to be connected will do that.
func (c *Conn) register(call *call) (*wire, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// fail answers what is pending under mu, so what comes later must not be filed.
	if err := c.Err(); err != nil {
		return nil, err
	}
	c.seq++
	call.frame.Seq = c.seq
	c.pending[call.frame.Seq] = call
	return c.wire, nil
}

// sendable returns the connection in use, nil if there is none, and a number for
// a request on it.
func (c *Conn) sendable() (*wire, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	return c.wire, c.seq
}

func (c *Conn) forget(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, seq)
}

// takeCall removes and returns the call that a reply with this seq answers.
func (c *Conn) takeCall(seq uint64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.pending[seq]
	delete(c.pending, seq)
	return call
}

// sleep pauses, and says false when the Conn ended meanwhile.
func (c *Conn) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
