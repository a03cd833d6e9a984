package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/oklog/run"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/audit"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/cluster/peer"
	"github.com/holdfast-game/holdfast/cluster/router"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/gateway"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// node is everything that a process has open.
type node struct {
	cfg    *config.Config
	logger *slog.Logger
	keys   keys
	goods  []product             // of the catalog file
	zones  []*clusterv1.ZoneSpec // of the zones file
	added  []actors.Kind

	dir          *datadir.Dir
	clients      net.Listener // nil without the gateway role
	operators    net.Listener
	backends     *backends
	trail        *audit.Trail
	tapes        *tapes
	router       *router.Router
	host         *shard.Node
	gateway      *gateway.Gateway // nil without the gateway role
	crowdedAt    int              // clients, if the limit of open files is what bounds them
	admin        *admin.Server
	adminService *admin.Service

	draining atomic.Bool
	closers  []func() // run backwards by close
}

// open prepares a node: everything is checked and open, nothing runs, and the
// cluster has not heard of it. Whoever gets no error closes the node.
func open(ctx context.Context, cfg *config.Config, version string, kinds []actors.Kind, logger *slog.Logger) (_ *node, err error) {
	n := &node{cfg: cfg, logger: logger, added: kinds}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if cfg.Catalog != "" {
		if n.goods, err = readCatalog(cfg.Catalog); err != nil {
			return nil, cfg.Errorf("catalog", "%w", err)
		}
	}
	if cfg.Zones != "" {
		if n.zones, err = readZones(cfg.Zones); err != nil {
			return nil, cfg.Errorf("zones", "%w", err)
		}
	}
	if err := n.openFolder(); err != nil {
		return nil, err
	}
	if err := n.openListeners(ctx); err != nil {
		return nil, err
	}
	if n.backends, err = openBackends(ctx, cfg, n.dir.File(datadir.StackFolder), logger); err != nil {
		return nil, err
	}
	n.onClose(n.backends.close)
	n.trail, err = audit.Open(ctx, n.backends.js, n.backends.view.ClusterID(), n.cfg.Replicas)
	if err != nil {
		return nil, err
	}
	if err := n.wire(version); err != nil {
		return nil, err
	}
	return n, nil
}

// openFolder takes the data folder and reads the keys, which may be in it.
func (n *node) openFolder() (err error) {
	if n.dir, err = datadir.Open(n.cfg.Data); err != nil {
		return n.cfg.Errorf("data", "%w", err)
	}
	n.onClose(func() {
		if err := n.dir.Close(); err != nil {
			n.logger.Error("close", "err", err)
		}
	})
	if err := n.dir.RemoveNodeFile(); err != nil {
		return err
	}
	n.keys, err = readKeys(n.cfg, n.dir)
	return err
}

// openListeners takes the ports. Whoever connects waits until the node runs.
func (n *node) openListeners(ctx context.Context) error {
	listen := func(setting, addr string) (net.Listener, error) {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, n.cfg.Errorf(setting, "%w", err)
		}
		n.onClose(func() { _ = ln.Close() }) // closed already by whoever served it
		return ln, nil
	}
	var err error
	if n.operators, err = listen("admin", n.cfg.Admin); err != nil {
		return err
	}
	if n.cfg.Has(config.RoleGateway) {
		n.clients, err = listen("listen", n.cfg.Listen)
	}
	return err
}

// wire makes the node's parts and hands each what it needs.
func (n *node) wire(version string) error {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	view := n.backends.view
	bus := broadcast.New(n.backends.nats, view.ClusterID()).WithMetrics(broadcast.NewMetrics(metrics))

	mesh, err := peer.New(peer.Config{
		Listen: n.cfg.Peer, Advertise: n.cfg.PeerAdvertise, Logger: n.logger, Metrics: peer.NewMetrics(metrics),
	})
	if err != nil {
		return err
	}
	n.router = router.New(router.Config{Metrics: router.NewMetrics(metrics)}, router.RoutesOf(view), mesh)
	n.onClose(n.router.Close)
	mesh.HandleAnswers(n.router.Answered)

	if err := n.wireHost(version, mesh, bus, metrics); err != nil {
		return err
	}
	if err := n.openTapes(version, metrics); err != nil {
		return err
	}
	n.onClose(n.closeTapes)
	if err := n.wireAdmin(metrics); err != nil {
		return err
	}
	if n.clients == nil {
		return nil
	}
	g := gatewayConfig(n.cfg)
	most, err := mostFiles()
	if err != nil {
		return err
	}
	if fitFiles(&g, most) {
		n.crowdedAt = g.MaxConnections
	}
	n.gateway, err = gateway.New(g, gateway.Deps{
		Router:   n.router,
		Recorder: n.tapes.deck,
		Catalog:  func() gateway.Catalog { return view.Catalog() },
		Bus:      bus,
		Auth:     n.keys.players,
		World:    world{view},
		Pages:    n.pages(),
		Logger:   n.logger,
		Metrics:  gateway.NewMetrics(metrics),
	})
	return err
}

// wireHost makes the part that joins the cluster and owns shards.
func (n *node) wireHost(version string, mesh *peer.Mesh, bus *broadcast.Bus, metrics prometheus.Registerer) error {
	kinds, err := registry(n.cfg, n.backends.view, newZoneMeter(metrics), n.added)
	if err != nil {
		return err
	}
	predecessor, err := n.dir.Lease()
	if err != nil {
		return err
	}
	n.host, err = shard.NewNode(shard.Config{
		Kinds: kinds, Replicas: n.cfg.Replicas, LiveActors: n.cfg.LiveActors,
		CheckpointEvery: n.cfg.CheckpointEvery, CheckpointBytes: int64(n.cfg.CheckpointBytes), RetainLogs: n.cfg.RetainLogs,
		Logger: n.logger, Metrics: shard.NewMetrics(metrics),
	}, shard.Deps{
		View: n.backends.view, Mesh: mesh, JetStream: n.backends.js, Bus: bus,
		Join: cluster.JoinConfig{
			Name: cluster.NodeName(n.cfg.Node), Roles: n.cfg.Roles, Version: version,
			AdminAddress: advertised(n.operators.Addr(), n.cfg), Predecessor: cluster.LeaseID(predecessor),
		},
		Joined: func(id cluster.LeaseID) error { return n.dir.SetLease(int64(id)) },
		Moved:  n.trail.PutMove,
		Record: func(ctx context.Context, m *cluster.Member) error { return n.trail.Record(ctx, n.backends.view, m) },
	})
	return err
}

// run lives until ctx is done, and then drains. When one part ends, the others
// are ended in the order in which they stand here, each before the next: clients
// first, so that nothing new comes in; then the host, which finishes what is
// under way and hands its shards over; operators last, so that they can watch.
func (n *node) run(ctx context.Context) error {
	var parts run.Group

	stopping, stop := context.WithCancel(ctx)
	parts.Add(func() error {
		select {
		case <-stopping.Done():
			return nil
		case err := <-n.backends.failed():
			return fmt.Errorf("embedded etcd failed: %w", err)
		}
	}, func(error) {
		n.draining.Store(true)
		stop()
	})

	announcing, silence := context.WithCancel(context.WithoutCancel(ctx))
	announced := make(chan struct{})
	parts.Add(func() error {
		defer close(announced)
		return n.announce(announcing)
	}, func(error) {
		silence()
		<-announced
	})

	if n.gateway != nil {
		parts.Add(func() error {
			return n.gateway.Serve(context.WithoutCancel(ctx), n.clients)
		}, func(error) {
			// Half of the time is for the clients, half for the shards.
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.cfg.DrainTimeout/2)
			defer cancel()
			if err := n.gateway.Drain(ending); err != nil {
				n.logger.Warn("some clients were not answered", "err", err)
			}
		})
	}

	hosting, release := context.WithCancel(context.WithoutCancel(ctx))
	released := make(chan struct{})
	parts.Add(func() error {
		defer close(released)
		// It returns an error only if the node never joined.
		return exit.Unstarted(n.host.Run(hosting, n.cfg.DrainTimeout/2))
	}, func(error) {
		release()
		<-released
	})

	parts.Add(func() error {
		return n.admin.Serve(n.operators)
	}, func(error) {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminPatience)
		defer cancel()
		n.admin.Shutdown(ending)
	})

	return parts.Run()
}

// ready is nil while the node serves all that it should.
func (n *node) ready() error {
	if n.draining.Load() {
		return errors.New("draining")
	}
	return n.host.Ready()
}

// onClose has close call f, before everything registered earlier.
func (n *node) onClose(f func()) { n.closers = append(n.closers, f) }

// close ends what open has opened, in the opposite order.
func (n *node) close() {
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
	n.closers = nil
}
