package devstack

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"sync/atomic"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Raft's clock of a member without peers, in milliseconds. Nobody can be slow
// to answer it, so it elects itself sooner than etcd's defaults would have it.
// The shortest lease follows from it: 1.5 elections, rounded up to 1 s.
const (
	tickMs     = 20
	electionMs = 200
)

// etcdServer is an etcd cluster of one member.
type etcdServer struct {
	*embed.Etcd
	serving *atomic.Bool // see zapCore
}

func startEtcd(ctx context.Context, cfg Config) (*etcdServer, error) {
	serving := new(atomic.Bool)
	c := embed.NewConfig()
	c.Name = "holdfast"
	c.Dir = filepath.Join(cfg.Dir, "etcd")
	c.TickMs, c.ElectionMs = tickMs, electionMs
	// Old revisions go after an hour: a watch that was away for longer lists
	// again.
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModePeriodic, "1h"
	c.EnableGRPCGateway = false
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(zapCore{cfg.Logger.With("server", "etcd"), serving}))

	clients := []url.URL{{Scheme: "http", Host: cfg.EtcdListen}}
	c.ListenClientUrls, c.AdvertiseClientUrls = clients, clients
	// No peer ever comes, but etcd insists on an address for them.
	peers := []url.URL{{Scheme: "http", Host: anyPort}}
	c.ListenPeerUrls, c.AdvertisePeerUrls = peers, peers
	c.InitialCluster = c.InitialClusterFromName(c.Name)

	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, fmt.Errorf("start embedded etcd on %s: %w", cfg.EtcdListen, err)
	}
	select {
	case <-e.Server.ReadyNotify():
		serving.Store(true)
		return &etcdServer{e, serving}, nil
	case err = <-e.Err():
	case <-e.Server.StopNotify():
		err = context.Canceled
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	e.Close()
	return nil, fmt.Errorf("start embedded etcd on %s: %w", cfg.EtcdListen, err)
}

func (e *etcdServer) stop() {
	e.serving.Store(false)
	e.Close()
}
