package clustertest

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/holdfast-game/holdfast/cluster"
)

// Etcd is an etcd of one member inside this process.
type Etcd struct {
	t      testing.TB
	cfg    *embed.Config
	server *embed.Etcd
	links  []*Link // The first is for clients that are not to be cut off.
}

// Start starts an etcd, and stops it when the test ends.
func Start(t testing.TB) *Etcd { return start(t, false) }

// StartDurable starts an etcd that calls fsync as a real one does, for
// measurements.
func StartDurable(t testing.TB) *Etcd { return start(t, true) }

func start(t testing.TB, fsync bool) *Etcd {
	t.Helper()
	cfg := embed.NewConfig()
	cfg.Name = "test"
	cfg.Dir = t.TempDir()
	cfg.LogLevel = "panic"
	cfg.LogOutputs = []string{"/dev/null"}
	cfg.UnsafeNoFsync = !fsync
	// The shortest lease etcd grants is 1.5 elections, in whole seconds.
	cfg.TickMs, cfg.ElectionMs = 10, 100
	local := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{local}, []url.URL{local}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{local}, []url.URL{local}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	e := &Etcd{t: t, cfg: cfg}
	e.run()
	t.Cleanup(e.Stop)
	e.Link()
	return e
}

func (e *Etcd) run() {
	e.t.Helper()
	server, err := embed.StartEtcd(e.cfg)
	if err != nil {
		e.t.Fatalf("start etcd: %v", err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(20 * time.Second):
		server.Close()
		e.t.Fatal("start etcd: not ready after 20 s")
	}
	e.server = server
	for _, l := range e.links {
		l.point(e.target())
	}
}

func (e *Etcd) target() string { return e.server.Clients[0].Addr().String() }

// Addr is the host:port for clients.
func (e *Etcd) Addr() string { return e.links[0].Addr() }

// Link returns a new way to this etcd, for clients that are to be cut off.
func (e *Etcd) Link() *Link {
	e.t.Helper()
	l := newLink(e.t, e.target())
	e.links = append(e.links, l)
	return l
}

// Heal ends a Cut.
func (e *Etcd) Heal(l *Link) { l.point(e.target()) }

// Stop stops the server, as a crash would for its clients. Its data stays.
func (e *Etcd) Stop() {
	if e.server == nil {
		return
	}
	// A server that stops waits for its clients, and they would not go.
	for _, l := range e.links {
		l.Cut()
	}
	e.server.Close()
	e.server = nil
}

// Restart stops the server and starts it again with its data.
func (e *Etcd) Restart() {
	e.t.Helper()
	e.Stop()
	e.run()
}

// Client returns a new client, closed when the test ends.
func (e *Etcd) Client() *clientv3.Client { return Dial(e.t, e.Addr()) }

// Dial returns a client of the etcd at addr, closed when the test ends.
func Dial(t testing.TB, addr string) *clientv3.Client {
	t.Helper()
	c, err := cluster.Connect(cluster.ConnectConfig{Endpoints: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close etcd client: %v", err)
		}
	})
	return c
}

// View opens a View on a client of its own, closed when the test ends. The zero
// Config is fine.
func (e *Etcd) View(cfg cluster.Config) *cluster.View {
	e.t.Helper()
	v, err := cluster.OpenView(e.t.Context(), e.Client(), cfg)
	if err != nil {
		e.t.Fatalf("open view: %v", err)
	}
	e.t.Cleanup(v.Close)
	return v
}

// Join makes a shard node of that name a member through v, at an address that
// nobody listens on, and closes it when the test ends.
func Join(t testing.TB, v *cluster.View, name cluster.NodeName) *cluster.Member {
	t.Helper()
	m, err := cluster.Join(t.Context(), v, cluster.JoinConfig{
		Name:    name,
		Address: cluster.Address(fmt.Sprintf("%s.test:1", name)),
		Roles:   []string{cluster.RoleShard},
	})
	if err != nil {
		t.Fatalf("join %s: %v", name, err)
	}
	t.Cleanup(m.Close)
	return m
}
