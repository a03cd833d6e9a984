package client

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Lane is a connection for one goroutine with one request in flight. It writes
// and reads on that goroutine, in buffers of its own, so that a load generator
// spends little of the machine that it measures. It speaks Binary, and stays
// down when its connection drops until Redial.
type Lane struct {
	url  string
	opts Options

	wire   atomic.Pointer[wire]
	closed atomic.Bool

	seq   uint64
	out   []byte
	reply Reply
}

// DialLane connects and authenticates. url may name several gateways, as in
// Dial.
func DialLane(ctx context.Context, url string, o Options) (*Lane, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("check options: %w", err)
	}
	o = o.withDefaults()
	if o.Subprotocol != Binary {
		return nil, fmt.Errorf("check options: Subprotocol: a Lane speaks %q only", Binary)
	}
	l := &Lane{url: url, opts: o}
	if err := l.Redial(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// Redial replaces the connection by a new one.
func (l *Lane) Redial(ctx context.Context) error {
	if old := l.wire.Load(); old != nil {
		_ = old.close(false)
	}
	w, err := dialWire(ctx, l.url, l.opts)
	if err != nil {
		return err
	}
	// Setting a deadline costs a timer for each request. Whoever runs the load
	// closes the lanes when it has waited enough.
	w.writeTimeout = 0
	_ = w.ws.SetWriteDeadline(time.Time{}) // the Hello had one
	l.seq = 1                              // Hello had it
	l.wire.Store(w)
	if l.closed.Load() {
		_ = w.close(true)
		return ErrClosed
	}
	return nil
}

// Welcome is the server's latest greeting.
func (l *Lane) Welcome() *clientv1.Welcome { return l.wire.Load().welcome }

// Buy sends the purchase and waits for its answer, which is valid until the
// next call. An error means that the connection is of no more use; what became
// of the purchase is unknown until the same one is sent after Redial.
func (l *Lane) Buy(request uint64, sku string, quantity, maxPrice int64) (*Reply, error) {
	w := l.wire.Load()
	l.seq++
	l.out = appendBuy(l.out[:0], l.seq, request, sku, quantity, maxPrice)
	if err := w.sendEncoded(l.out); err != nil {
		return nil, err
	}
	for {
		frame, err := w.receiveEncoded()
		if err != nil {
			return nil, err
		}
		if err := l.reply.scan(frame); err != nil {
			return nil, err
		}
		if l.reply.Seq == l.seq {
			return &l.reply, nil
		}
		if l.reply.Seq != 0 {
			return nil, fmt.Errorf("%w: answer to request %d, not %d", ErrProtocol, l.reply.Seq, l.seq)
		}
	}
}

// LastFrameBytes is the size of the last frame sent.
func (l *Lane) LastFrameBytes() int { return len(l.out) }

// Close ends the connection for good. It may be called while Buy or Redial runs.
func (l *Lane) Close() error {
	l.closed.Store(true)
	return l.wire.Load().close(true)
}
