package peer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/holdfast-game/holdfast/cluster"
)

// incarnation is one life of a mesh, from Start to Stop.
type incarnation struct {
	mesh    *Mesh
	address cluster.Address
	system  *actor.ActorSystem
	server  *grpc.Server

	// ctx ends when links must give up what they do.
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup // the server and every link

	mu      sync.RWMutex
	links   map[cluster.Address]*link
	stopped bool
}

func newIncarnation(ctx context.Context, m *Mesh) (*incarnation, error) {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", m.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	in := &incarnation{mesh: m, address: advertised(m.cfg, lis.Addr()), links: make(map[cluster.Address]*link)}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	in.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(demote{m.cfg.Logger.Handler()})
	}))
	// PIDs of this system name it by the address that peers know.
	in.system.ProcessRegistry.Address = string(in.address)

	in.server = grpc.NewServer(
		grpc.MaxRecvMsgSize(maxWireBytes),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveTime / 2, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	)
	remote.RegisterRemotingServer(in.server, &reader{in: in})
	in.done.Go(func() {
		if err := in.server.Serve(lis); err != nil {
			m.cfg.Logger.Error("peers can no longer reach this node", "address", in.address, "err", err)
		}
	})
	return in, nil
}

// advertised is the address that peers are told, given where the node listens.
func advertised(cfg Config, listens net.Addr) cluster.Address {
	if cfg.Advertise == "" {
		return cluster.Address(listens.String())
	}
	host, port := splitAdvertise(cfg.Advertise)
	if port == "" {
		_, port, _ = net.SplitHostPort(listens.String())
	}
	return cluster.Address(net.JoinHostPort(host, port))
}

// send queues one encoded item; err is why it could not be encoded.
func (in *incarnation) send(to cluster.Address, item []byte, err error) {
	switch {
	case err != nil:
		in.mesh.cfg.Metrics.drop(dropEncoding, 1)
		in.mesh.cfg.Logger.Error("item cannot be sent", "to", to, "err", err)
		return
	case len(item) > maxItemBytes:
		in.mesh.cfg.Metrics.drop(dropTooLarge, 1)
		in.mesh.cfg.Logger.Error("item cannot be sent: too large", "to", to, "bytes", len(item), "limit", maxItemBytes)
		return
	}
	// A link that gave itself up for idleness is replaced by a new one.
	for {
		l := in.link(to)
		if l == nil {
			in.mesh.cfg.Metrics.drop(dropStopped, 1)
			return
		}
		if l.put(item) {
			return
		}
		in.forget(l)
	}
}

// link returns the link to an address, a new one if need be; nil when stopped.
func (in *incarnation) link(to cluster.Address) *link {
	in.mu.RLock()
	l, stopped := in.links[to], in.stopped
	in.mu.RUnlock()
	if stopped {
		return nil
	}
	if l != nil {
		return l
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped {
		return nil
	}
	if l := in.links[to]; l != nil {
		return l
	}
	l = newLink(in, to)
	in.links[to] = l
	in.mesh.cfg.Metrics.links.Inc()
	in.done.Go(l.run)
	return l
}

// forget removes a link that takes nothing more.
func (in *incarnation) forget(l *link) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.links[l.to] == l {
		delete(in.links, l.to)
		in.mesh.cfg.Metrics.links.Dec()
	}
}

func (in *incarnation) stop(ctx context.Context) {
	in.mu.Lock()
	in.stopped = true
	flushing := make([]*link, 0, len(in.links))
	for _, l := range in.links {
		flushing = append(flushing, l)
	}
	in.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, in.mesh.flushTimeout)
	defer cancel()
	for _, l := range flushing {
		l.queue.close()
	}
	for _, l := range flushing {
		select {
		case <-l.ended:
		case <-ctx.Done():
		}
	}
	in.cancel()
	in.server.Stop()
	in.done.Wait()
	in.system.Shutdown()
}

// logOnce logs at most once per interval, for what a peer could repeat at will.
type logOnce struct {
	mu   sync.Mutex
	last time.Time
}

func (o *logOnce) warn(l *slog.Logger, text string, args ...any) {
	o.mu.Lock()
	now := time.Now()
	due := o.last.IsZero() || now.Sub(o.last) >= time.Minute
	if due {
		o.last = now
	}
	o.mu.Unlock()
	if due {
		l.Warn(text, args...)
	}
}
