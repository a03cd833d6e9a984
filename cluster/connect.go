package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Client is a connection to etcd, and LeaseID the id of a lease there: names
// for packages that pass them on without importing etcd.
type (
	Client  = clientv3.Client
	LeaseID = clientv3.LeaseID
)

// ConnectConfig says where etcd is.
type ConnectConfig struct {
	// Endpoints are the client URLs of the members of the etcd cluster, or
	// host:port. Required.
	Endpoints []string

	// Username and Password, when etcd asks for them.
	Username, Password string

	// TLS is nil for a connection in the clear.
	TLS *tls.Config
}

// Validate says which field cannot work, and why.
func (c ConnectConfig) Validate() error {
	if len(c.Endpoints) == 0 {
		return errors.New("etcd config: Endpoints: none given")
	}
	return nil
}

// Connect returns a client. It does not wait for a connection: the first call
// does. The caller closes it, after everything that uses it.
func Connect(cfg ConnectConfig) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c, err := clientv3.New(clientv3.Config{
		Endpoints: cfg.Endpoints,
		Username:  cfg.Username,
		Password:  cfg.Password,
		TLS:       cfg.TLS,
		// A server that vanished without closing its connection is noticed
		// after 12 s, for the watch's sake. gRPC allows no shorter time. On
		// connections without a stream etcd takes pings for an attack.
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 2 * time.Second,
		// What matters is returned as an error by the calls that suffer it.
		Logger: zap.NewNop(),
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return c, nil
}
