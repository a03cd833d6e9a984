package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// errLeaseGone: etcd says that there is no such lease.
var errLeaseGone = errors.New("lease not found")

// keeper keeps one lease alive. It is a loop with no I/O of its own.
type keeper struct {
	lease *lease
	// ping renews the lease in etcd and returns the time it was renewed for.
	ping     func(context.Context) (time.Duration, error)
	progress func() bool
	// every is the time between two pings, patience how long one may take.
	every, patience time.Duration
	time            passing
	log             *slog.Logger
}

// retryPing is the pause after a ping that failed.
const retryPing = 50 * time.Millisecond

// run returns, with the reason, when the lease is lost or ctx ended.
//
// Once the deadline has passed it never pings again, though that might succeed.
// By then the holder may have been taken for dead: etcd may have decided to
// revoke the lease and not yet done it, and a ping that a new leader answers
// meanwhile would be a promise that nobody keeps.
func (k *keeper) run(ctx context.Context) error {
	for {
		sent := k.lease.clocks()
		left := k.lease.left(sent)
		if left <= 0 {
			return fmt.Errorf("%w: its deadline passed without a renewal", ErrLeaseLost)
		}
		wait := k.every
		if k.progress() {
			err := k.once(ctx, sent, min(left, k.patience))
			switch {
			case errors.Is(err, errLeaseGone):
				return fmt.Errorf("%w: etcd has ended it", ErrLeaseLost)
			case err != nil:
				k.log.Warn("keepalive failed", "left", left, "err", err)
				wait = retryPing
			}
		} else {
			k.log.Warn("keepalive withheld: no progress", "left", left)
		}
		// Not past the deadline: whoever waits for Done should know at once.
		if !k.time.pause(ctx, max(0, min(wait, k.lease.left(k.lease.clocks()))), nil) {
			return context.Cause(ctx)
		}
	}
}

func (k *keeper) once(ctx context.Context, sent instant, patience time.Duration) error {
	ctx, cancel := k.time.timeout(ctx, patience)
	defer cancel()
	ttl, err := k.ping(ctx)
	if err != nil {
		return err
	}
	k.lease.renew(sent, ttl)
	return nil
}

// pinger renews a lease over a stream of its own. The client library's own
// loops do not tell when a request was sent, and its KeepAliveOnce spins
// without a pause while there is no connection.
type pinger struct {
	client pb.LeaseClient
	id     LeaseID
	stream pb.Lease_LeaseKeepAliveClient
	cancel context.CancelFunc
}

// ping is not for concurrent use.
func (p *pinger) ping(ctx context.Context) (time.Duration, error) {
	if p.stream == nil {
		// The stream outlives this ping and its patience.
		streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stop := context.AfterFunc(ctx, cancel)
		stream, err := p.client.LeaseKeepAlive(streamCtx)
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			cancel()
			return 0, fmt.Errorf("open keepalive stream: %w", err)
		}
		p.stream, p.cancel = stream, cancel
	}
	stop := context.AfterFunc(ctx, p.cancel)
	ttl, err := p.exchange()
	if !stop() || err != nil {
		// An answer may still be on its way, and would be taken for that of
		// the next ping, which was sent later.
		p.close()
	}
	return ttl, err
}

func (p *pinger) exchange() (time.Duration, error) {
	if err := p.stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(p.id)}); err != nil {
		return 0, fmt.Errorf("send keepalive: %w", err)
	}
	resp, err := p.stream.Recv()
	switch {
	case err != nil:
		return 0, fmt.Errorf("receive keepalive: %w", err)
	case resp.GetTTL() <= 0:
		return 0, errLeaseGone
	}
	return time.Duration(resp.GetTTL()) * time.Second, nil
}

func (p *pinger) close() {
	if p.stream != nil {
		p.cancel()
		p.stream = nil
	}
}
