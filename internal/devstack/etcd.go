package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
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

// etcdServer is one running member.
type etcdServer struct {
	*embed.Etcd
	serving *atomic.Bool // see zapCore
}

func startEtcd(ctx context.Context, cfg Config) (*etcdServer, error) {
	serving := new(atomic.Bool)
	c := etcdConfig("holdfast", filepath.Join(cfg.Dir, "etcd"), zapCore{log: cfg.Logger.With("server", "etcd"), serving: serving})
	c.TickMs, c.ElectionMs = tickMs, electionMs
	// No peer ever comes, but etcd insists on an address for them.
	setEtcdAddresses(c, cfg.EtcdListen, anyPort)
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

// startEtcdMember starts one of several members, and does not wait for the
// others.
func startEtcdMember(m Member, all []Member, logger *slog.Logger) (*etcdServer, error) {
	serving := new(atomic.Bool)
	serving.Store(true)
	c := etcdConfig(m.Name, m.Dir, zapCore{log: logger.With("server", m.Name), serving: serving, talkative: true})
	setEtcdAddresses(c, m.Client, m.Peer)
	c.InitialClusterToken = "holdfast-dev"
	var cluster []string
	for _, o := range all {
		if o.Role == RoleEtcd {
			cluster = append(cluster, o.Name+"=http://"+o.Peer)
		}
	}
	c.InitialCluster = strings.Join(cluster, ",")
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, err
	}
	return &etcdServer{e, serving}, nil
}

// etcdConfig is what all etcd servers here have in common.
func etcdConfig(name, dir string, log zapCore) *embed.Config {
	c := embed.NewConfig()
	c.Name, c.Dir = name, dir
	// Old revisions go after an hour: a watch that was away for longer lists
	// again.
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModePeriodic, "1h"
	c.EnableGRPCGateway = false
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(log))
	return c
}

func setEtcdAddresses(c *embed.Config, client, peer string) {
	clients, peers := []url.URL{{Scheme: "http", Host: client}}, []url.URL{{Scheme: "http", Host: peer}}
	c.ListenClientUrls, c.AdvertiseClientUrls = clients, clients
	c.ListenPeerUrls, c.AdvertisePeerUrls = peers, peers
}

func (e *etcdServer) stop() {
	e.serving.Store(false)
	e.Close()
}
