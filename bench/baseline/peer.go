package baseline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/bench/launch"
)

const (
	// startTimeout bounds the start of a server, of its gateway and the first
	// connection: initdb alone takes seconds on a busy machine.
	startTimeout = time.Minute
	// tryTimeout bounds one look whether a server serves.
	tryTimeout = 2 * time.Second
)

// Peer is one thing to compare Holdfast with: a store that is set up in some way,
// behind a gateway.
type Peer struct {
	// Name is a word for command lines, Title what a report calls it.
	Name, Title string

	backend backend
}

// backend is a kind of store.
type backend interface {
	// missing says what has to be installed first, and how; nil: nothing.
	missing() error
	// start starts the server with its data in an empty folder, and need not wait
	// until it serves. A process that it returns is the caller's to stop, with an
	// error as well. command starts this program.
	start(ctx context.Context, folder string, command []string) (*launch.Process, access, error)
	// prepare makes what a store has to find, if the server serves already. It is
	// called again while it fails.
	prepare(ctx context.Context, a access) error
	// open connects to the server.
	open(ctx context.Context, a access) (Store, error)
}

// access is how to reach a store's server.
type access struct {
	Address  string `json:"address"` // host:port
	Password string `json:"password,omitempty"`
}

// Peers are all that there are.
func Peers() []Peer {
	return []Peer{
		{"redis-always", "Redis, appendfsync always", redisServer{fsync: "always"}},
		{"redis-everysec", "Redis, appendfsync everysec", redisServer{fsync: "everysec"}},
		{"etcd", "etcd, optimistic transactions", etcdServer{}},
		{"etcd-pair", "etcd, two of them at a time", etcdServer{racers: 2}},
		{"postgres", "PostgreSQL, UPDATE … WHERE", postgresServer{}},
	}
}

func peerNamed(name string) (Peer, error) {
	all := Peers()
	i := slices.IndexFunc(all, func(p Peer) bool { return p.Name == name })
	if i < 0 {
		return Peer{}, fmt.Errorf("there is no peer %q", name)
	}
	return all[i], nil
}

// Missing says what has to be installed for the peer to run here, and how; nil
// when it can.
func (p Peer) Missing() error { return p.backend.missing() }

// Running is a peer's server and its gateway, in processes of their own.
type Running struct {
	// Target has the gateway's URL and the secret of the players' tokens.
	launch.Target
	// Store is what the gateway sells from: to prepare it, and to read its books.
	Store Store

	stops []func() error // in the order in which things were started
}

// Start starts the peer with nothing in its store. command starts this program;
// empty: os.Executable.
func (p Peer) Start(ctx context.Context, command []string) (*Running, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own program: %w", err)
		}
		command = []string{self}
	}
	r := new(Running)
	if err := r.start(ctx, p, command); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", p.Name, err), r.Stop())
	}
	return r, nil
}

func (r *Running) start(ctx context.Context, p Peer, command []string) error {
	folder, err := os.MkdirTemp("", "holdfast-peer-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	r.stops = append(r.stops, func() error { return os.RemoveAll(folder) })
	server, a, err := p.backend.start(ctx, folder, command)
	if server != nil {
		r.stops = append(r.stops, server.Stop)
	}
	if err != nil {
		return err
	}
	var trouble error
	err = server.Await(ctx, func() (bool, error) {
		trying, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		trouble = p.backend.prepare(trying, a)
		return trouble == nil, nil
	})
	if err != nil {
		return errors.Join(err, trouble)
	}
	if r.Store, err = p.backend.open(ctx, a); err != nil {
		return err
	}
	r.stops = append(r.stops, r.Store.Close)
	return r.startGateway(ctx, gatewayConfig{Peer: p.Name, Access: a}, folder, command)
}

// Stop ends the gateway and the server and removes their folder.
func (r *Running) Stop() error {
	var errs []error
	for _, stop := range slices.Backward(r.stops) {
		errs = append(errs, stop())
	}
	r.stops = nil
	return errors.Join(errs...)
}
