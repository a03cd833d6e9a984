package serve

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// connectPatience bounds how long etcd and NATS may take to answer the first
// time. Embedded ones may have a long log to read, and get a minute.
const (
	connectPatience = 5 * time.Second
	embedPatience   = time.Minute
)

// backends are the servers that a node stands on.
type backends struct {
	stack *devstack.Stack // nil unless embedded
	etcd  *cluster.Client
	nats  *nats.Conn
	js    jetstream.JetStream
	view  *cluster.View
}

// openBackends starts embedded servers, or reaches the configured ones, and
// reads the cluster.
func openBackends(ctx context.Context, cfg *config.Config, dir string, logger *slog.Logger) (b *backends, err error) {
	b = new(backends)
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	endpoints := cfg.Etcd
	if cfg.Embedded() {
		starting, cancel := context.WithTimeout(ctx, embedPatience)
		defer cancel()
		b.stack, err = devstack.Start(starting, devstack.Config{Dir: dir, NATSInProcess: true, Logger: logger})
		if err != nil {
			return b, err
		}
		endpoints = b.stack.EtcdEndpoints()
	}
	if err := b.connectNATS(ctx, cfg, logger); err != nil {
		return b, err
	}
	if b.etcd, err = cluster.Connect(cluster.ConnectConfig{Endpoints: endpoints}); err != nil {
		return b, cfg.Errorf("etcd", "%w", err)
	}
	asking, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	b.view, err = cluster.OpenView(asking, b.etcd, cluster.Config{
		Prefix: cfg.Prefix, Shards: cfg.Shards, TTL: cfg.LeaseTTL, Logger: logger,
	})
	if err != nil {
		return b, cfg.Errorf("etcd", "%s: %w", strings.Join(endpoints, ","), err)
	}
	return b, nil
}

// connectNATS connects, and makes sure that there is JetStream.
func (b *backends) connectNATS(ctx context.Context, cfg *config.Config, logger *slog.Logger) (err error) {
	opts := []nats.Option{
		nats.Name("holdfast " + cfg.Node),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		// What cannot be sent now must fail now: the log sends it again itself,
		// and broadcasts are worth nothing later.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.Warn("NATS is gone", "err", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { logger.Info("NATS is back", "url", c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { logger.Warn("NATS", "err", err) }),
	}
	urls := strings.Join(cfg.NATS, ",")
	if b.stack != nil {
		urls = "embedded"
		b.nats, err = b.stack.ConnectNATS(opts...)
	} else {
		b.nats, err = nats.Connect(urls, opts...)
	}
	if err != nil {
		return cfg.Errorf("nats", "connect to %s: %w", urls, err)
	}
	if b.js, err = jetstream.New(b.nats); err != nil {
		return cfg.Errorf("nats", "use JetStream of %s: %w", urls, err)
	}
	asking, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	if _, err = b.js.AccountInfo(asking); err != nil {
		return cfg.Errorf("nats", "use JetStream of %s: %w", urls, err)
	}
	return nil
}

// failed returns a channel that gets an error when an embedded server fails; nil
// when there is none.
func (b *backends) failed() <-chan error {
	if b.stack == nil {
		return nil
	}
	return b.stack.Err()
}

// close ends what was opened, clients before servers.
func (b *backends) close() {
	if b.view != nil {
		b.view.Close()
	}
	if b.etcd != nil {
		_ = b.etcd.Close() // nothing is under way that its error could tell about
	}
	if b.nats != nil {
		b.nats.Close()
	}
	if b.stack != nil {
		b.stack.Close()
	}
}
