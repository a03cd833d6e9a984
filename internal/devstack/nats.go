package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsPatience bounds how long NATS may take to recover its streams when the
// caller's context has no deadline.
const natsPatience = time.Minute

// startNATS starts a server with JetStream on files.
func startNATS(ctx context.Context, cfg Config) (*server.Server, error) {
	opts := natsOptions("holdfast", filepath.Join(cfg.Dir, "nats"))
	opts.JetStreamMaxStore = cfg.NATSMaxStore
	opts.DontListen = cfg.NATSInProcess
	if err := setNATSAddress(&opts.Host, &opts.Port, cfg.NATSListen); err != nil {
		return nil, fmt.Errorf("start embedded NATS on %s: %w", cfg.NATSListen, err)
	}
	if !cfg.NATSInProcess {
		// The server reports a port in use by ending the process.
		if err := probe(ctx, cfg.NATSListen); err != nil {
			return nil, fmt.Errorf("start embedded NATS: %w", err)
		}
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS on %s: %w", cfg.NATSListen, err)
	}
	log := &natsLogger{log: cfg.Logger.With("server", "nats")}
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()

	patience := natsPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline))
	}
	if !ns.ReadyForConnections(patience) || !ns.JetStreamEnabled() {
		stopNATS(ns)
		return nil, fmt.Errorf("start embedded NATS on %s: not ready after %s%s", cfg.NATSListen, patience, log.because())
	}
	return ns, nil
}

// startNATSMember starts one of several servers, and does not wait for the
// others.
func startNATSMember(m Member, all []Member, logger *slog.Logger) (*server.Server, error) {
	opts := natsOptions(m.Name, m.Dir)
	if err := setNATSAddress(&opts.Host, &opts.Port, m.Client); err != nil {
		return nil, err
	}
	if err := setNATSPeers(opts, m, all); err != nil {
		return nil, err
	}
	for _, addr := range []string{m.Client, m.Peer} {
		if err := probe(context.Background(), addr); err != nil {
			return nil, err
		}
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	log := &natsLogger{log: logger.With("server", m.Name), talkative: true}
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()
	// It does not wait for its peers.
	if !ns.ReadyForConnections(natsPatience) || !ns.JetStreamEnabled() {
		stopNATS(ns)
		return nil, fmt.Errorf("not ready after %s%s", natsPatience, log.because())
	}
	return ns, nil
}

// setNATSPeers makes a server part of a cluster, if it has peers: by itself it
// would wait for them.
func setNATSPeers(opts *server.Options, m Member, all []Member) error {
	for _, o := range all {
		if o.Role == RoleNATS {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: o.Peer})
		}
	}
	if len(opts.Routes) == 1 {
		opts.Routes = nil
		return nil
	}
	opts.Cluster.Name = "holdfast-dev"
	// Clients keep to the addresses that they were given: there may be a proxy
	// between.
	opts.Cluster.NoAdvertise = true
	// A peer that is down is dialled once a second: say so every 30 s.
	opts.ReconnectErrorReports = 30
	return setNATSAddress(&opts.Cluster.Host, &opts.Cluster.Port, m.Peer)
}

// natsOptions are what all NATS servers here have in common.
func natsOptions(name, dir string) *server.Options {
	return &server.Options{
		ServerName: name,
		JetStream:  true,
		StoreDir:   dir,
		// Acknowledge nothing that is not on the disk.
		SyncAlways: true,
		NoSigs:     true,
		NoLog:      true,
	}
}

func setNATSAddress(host *string, port *int, addr string) (err error) {
	var text string
	if *host, text, err = net.SplitHostPort(addr); err != nil {
		return err
	}
	if *port, err = strconv.Atoi(text); err != nil {
		return fmt.Errorf("port: %w", err)
	}
	if *port == 0 {
		*port = server.RANDOM_PORT
	}
	return nil
}

// probe opens and closes a listener.
func probe(ctx context.Context, addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}

func stopNATS(ns *server.Server) {
	ns.Shutdown()
	ns.WaitForShutdown()
}
