package devstack

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// anyPort is an address on loopback whose port the system chooses.
const anyPort = "127.0.0.1:0"

// Config says where a Stack lives.
type Config struct {
	// Dir holds the data of both servers and is created when absent. Required.
	Dir string

	// EtcdListen is the host:port of etcd's clients. The host is an IP address.
	// Default 127.0.0.1 and a port chosen by the system.
	EtcdListen string

	// NATSListen is the host:port of NATS's clients, with the same default.
	NATSListen string

	// NATSInProcess keeps NATS off the network: only ConnectNATS reaches it.
	NATSInProcess bool

	// NATSMaxStore bounds what NATS stores, in bytes. Default three quarters of
	// what is free on the disk.
	NATSMaxStore int64

	// Logger gets what the servers log: their warnings as they are, everything
	// more usual as debug. Default: nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.EtcdListen == "" {
		c.EtcdListen = anyPort
	}
	if c.NATSListen == "" {
		c.NATSListen = anyPort
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Dir == "" {
		return errors.New("devstack config: Dir: not set")
	}
	for _, f := range []struct{ name, addr string }{{"EtcdListen", c.EtcdListen}, {"NATSListen", c.NATSListen}} {
		host, _, err := net.SplitHostPort(f.addr)
		if err != nil {
			return fmt.Errorf("devstack config: %s: %w", f.name, err)
		}
		if net.ParseIP(host) == nil {
			return fmt.Errorf("devstack config: %s: host of %q must be an IP address", f.name, f.addr)
		}
	}
	return nil
}
