package devstack

import (
	"context"
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Stack is a running etcd and a running NATS server.
type Stack struct {
	etcd *etcdServer
	nats *server.Server

	inProcess bool
}

// Start starts both servers and returns when both answer. Neither is left
// behind when it returns an error.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of etcd and NATS: %w", err)
	}
	// NATS first: it is up at once, and etcd takes a moment.
	ns, err := startNATS(ctx, cfg)
	if err != nil {
		return nil, err
	}
	etcd, err := startEtcd(ctx, cfg)
	if err != nil {
		stopNATS(ns)
		return nil, err
	}
	return &Stack{etcd: etcd, nats: ns, inProcess: cfg.NATSInProcess}, nil
}

// EtcdEndpoints returns the addresses of etcd for its clients.
func (s *Stack) EtcdEndpoints() []string {
	endpoints := make([]string, len(s.etcd.Clients))
	for i, l := range s.etcd.Clients {
		endpoints[i] = "http://" + l.Addr().String()
	}
	return endpoints
}

// NATSURL returns the address of NATS for its clients; "" when it is not on the
// network.
func (s *Stack) NATSURL() string {
	if s.inProcess {
		return ""
	}
	return s.nats.ClientURL()
}

// ConnectNATS connects to NATS without the network. The caller closes the
// connection.
func (s *Stack) ConnectNATS(opts ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect("", append([]nats.Option{nats.InProcessServer(s.nats)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded NATS: %w", err)
	}
	return conn, nil
}

// Err returns a channel that gets an error when etcd fails, and is closed by
// Close. NATS does not report failures.
func (s *Stack) Err() <-chan error { return s.etcd.Err() }

// Close stops both servers and waits until they have closed their files.
func (s *Stack) Close() {
	s.etcd.stop()
	stopNATS(s.nats)
}
