package peer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/cluster"
)

// Why a session ended, besides errors of the stream.
var (
	errIdle    = errors.New("nobody sends to this peer")
	errFlushed = errors.New("everything was sent and the mesh stops")
	errConnect = errors.New("no connection in time")
)

// link carries items to one peer: put queues them, run sends them over one
// stream after another until nobody uses the link or the incarnation stops.
type link struct {
	in    *incarnation
	to    cluster.Address
	queue *queue
	ended chan struct{} // closed when run has returned

	up      atomic.Bool
	cleared atomic.Int64 // unix nanoseconds: nothing queued while down is older

	// Of run alone: reused from batch to batch.
	items  [][]byte
	buffer []byte
}

func newLink(in *incarnation, to cluster.Address) *link {
	l := &link{in: in, to: to, queue: newQueue(), ended: make(chan struct{})}
	l.cleared.Store(time.Now().UnixNano())
	return l
}

// put queues an item, or drops and counts it. false: the link has ended.
func (l *link) put(item []byte) bool {
	if !l.up.Load() {
		l.expire()
	}
	full, closed := l.queue.put(item)
	if full {
		l.in.mesh.cfg.Metrics.drop(dropFull, 1)
	}
	return !closed
}

// expire empties the queue of a peer that is down, once per staleAfter.
func (l *link) expire() {
	now, last := time.Now().UnixNano(), l.cleared.Load()
	if now-last < int64(staleAfter) || !l.cleared.CompareAndSwap(last, now) {
		return
	}
	l.in.mesh.cfg.Metrics.drop(dropStale, l.queue.clear())
}

// run is the link's goroutine.
func (l *link) run() {
	defer close(l.ended)
	defer l.in.forget(l)
	defer func() {
		l.queue.close()
		l.in.mesh.cfg.Metrics.drop(dropStopped, l.queue.clear())
	}()
	log := l.in.mesh.cfg.Logger.With("peer", l.to)
	conn, err := dial(l.to)
	if err != nil {
		log.Error("peer has no usable address", "err", err)
		return
	}
	defer conn.Close() // nothing is lost that was not already

	pause := redialFirst
	for {
		began := time.Now()
		err := l.session(conn)
		l.up.Store(false)
		l.cleared.Store(time.Now().UnixNano())
		switch {
		case errors.Is(err, errIdle), errors.Is(err, errFlushed), l.in.ctx.Err() != nil:
			return
		case errors.Is(err, errConnect):
			l.in.mesh.cfg.Metrics.drop(dropStale, l.queue.clear())
			log.Info("peer cannot be reached", "err", err)
		default:
			l.in.mesh.cfg.Metrics.broken.Inc()
			log.Info("stream to peer ended", "err", err)
		}
		// A peer that takes the connection and ends the stream at once must not
		// be asked in a hot loop.
		if time.Since(began) > redialMax {
			pause = redialFirst
		}
		select {
		case <-time.After(pause):
		case <-l.in.ctx.Done():
			return
		}
		pause = min(2*pause, redialMax)
	}
}

// session waits until there is something to send, opens a stream and sends until
// the stream breaks, the link falls idle or the mesh stops.
func (l *link) session(conn *grpc.ClientConn) error {
	if err := l.await(l.in.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(l.in.ctx)
	defer cancel(nil)
	stream, err := l.open(ctx, cancel, conn)
	if err != nil {
		return err
	}
	// The peer says nothing more on this stream: the next thing read is its end.
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, err := stream.Recv()
		cancel(fmt.Errorf("ended by peer: %w", err))
	}()
	defer func() { cancel(nil); <-over }()

	l.in.mesh.cfg.Metrics.connects.Inc()
	l.up.Store(true)
	for {
		if err := l.await(ctx); err != nil {
			if ctx.Err() == nil {
				// Let the peer read to the end before the connection goes.
				_ = stream.CloseSend()
				select {
				case <-over:
				case <-l.in.ctx.Done():
				}
			}
			return err
		}
		if err := l.sendBatch(stream); err != nil {
			return err
		}
	}
}

// await returns nil when there is something to send.
func (l *link) await(ctx context.Context) error {
	var idle *time.Timer
	for {
		switch pending, drained := l.queue.state(); {
		case pending:
			return nil
		case drained:
			return errFlushed
		}
		if idle == nil {
			idle = time.NewTimer(l.in.mesh.idleAfter)
			defer idle.Stop()
		}
		select {
		case <-l.queue.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-idle.C:
			if l.queue.closeIfEmpty() {
				return errIdle
			}
		}
	}
}

// open makes a stream and introduces this node. It waits for a peer that is not
// there (yet), for at most connectTimeout.
func (l *link) open(ctx context.Context, cancel context.CancelCauseFunc, conn *grpc.ClientConn) (remote.Remoting_ReceiveClient, error) {
	timer := time.AfterFunc(connectTimeout, func() { cancel(errConnect) })
	defer timer.Stop()
	reason := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	stream, err := remote.NewRemotingClient(conn).Receive(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, reason(fmt.Errorf("open stream: %w", err))
	}
	err = stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{
		ConnectRequest: &remote.ConnectRequest{ConnectionType: &remote.ConnectRequest_ServerConnection{
			ServerConnection: &remote.ServerConnection{SystemId: l.in.system.ID, Address: string(l.in.address)},
		}},
	}})
	if err != nil {
		return nil, reason(fmt.Errorf("introduce this node: %w", err))
	}
	hello, err := stream.Recv()
	switch {
	case err != nil:
		return nil, reason(fmt.Errorf("introduce this node: %w", err))
	case hello.GetConnectResponse() == nil:
		return nil, errors.New("introduce this node: peer does not answer with a connect response")
	case hello.GetConnectResponse().GetBlocked():
		return nil, errors.New("introduce this node: peer has blocked it")
	case !timer.Stop():
		return nil, reason(errConnect)
	}
	return stream, nil
}

// sendBatch sends one envelope. What it holds counts as dropped when that fails.
func (l *link) sendBatch(stream remote.Remoting_ReceiveClient) error {
	l.items = l.queue.take(l.items[:0])
	if len(l.items) == 0 {
		return nil
	}
	l.buffer = appendEnvelope(l.buffer[:0], l.items)
	err := stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{
		MessageBatch: &remote.MessageBatch{
			TypeNames: []string{envelopeName},
			Targets:   []*actor.PID{{Address: string(l.to), Id: receiverID}},
			Envelopes: []*remote.MessageEnvelope{{MessageData: l.buffer}},
		},
	}})
	metrics := l.in.mesh.cfg.Metrics
	if err != nil {
		metrics.drop(dropBroken, len(l.items))
	} else {
		metrics.sent.Add(float64(len(l.items)))
		metrics.batch.Observe(float64(len(l.items)))
	}
	clear(l.items)
	if cap(l.buffer) > 2*batchBytes {
		l.buffer = nil // one large item must not be paid for ever
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// appendEnvelope encodes an Envelope of items that are encoded already, which
// saves building and copying them once more:
//
//	08 <varint version>                          field 1
//	12 <varint length> <item>   for every item   field 2
func appendEnvelope(dst []byte, items [][]byte) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, protocolVersion)
	for _, item := range items {
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = protowire.AppendBytes(dst, item)
	}
	return dst
}

func dial(to cluster.Address) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+string(to),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: redialFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: redialMax},
			MinConnectTimeout: dialTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(maxWireBytes)),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
	)
}
