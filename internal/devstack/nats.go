package devstack

import (
	"context"
	"fmt"
	"net"
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
	host, portText, err := net.SplitHostPort(cfg.NATSListen)
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS on %s: port: %w", cfg.NATSListen, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if !cfg.NATSInProcess {
		// The server reports a port in use by ending the process.
		if err := probe(ctx, cfg.NATSListen); err != nil {
			return nil, fmt.Errorf("start embedded NATS: %w", err)
		}
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "holdfast",
		Host:       host,
		Port:       port,
		DontListen: cfg.NATSInProcess,
		JetStream:  true,
		StoreDir:   filepath.Join(cfg.Dir, "nats"),
		// Acknowledge nothing that is not on the disk.
		SyncAlways: true,
		NoSigs:     true,
		NoLog:      true,
	})
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
