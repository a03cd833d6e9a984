package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Waiter is told the answer to a command, once and from any goroutine. It does
// not block.
type Waiter = interface{ Answered(*cluster.Answer) }

// Router finds the owner of an actor and sends a command until it is answered,
// or until its own deadline, which it answers for with UNAVAILABLE. It fills in
// how the command travels; the gateway fills in To, Caller, Request, Method and
// the request.
type Router interface {
	Do(cmd *cluster.Command, w Waiter)
}

// Verifier says who a token belongs to. The text of its error goes to the
// client.
type Verifier interface {
	Verify(token string) (player string, err error)
}

// Gateway serves clients.
type Gateway struct {
	cfg     Config
	limits  *clientv1.Limits // as clients are told
	log     *slog.Logger
	metrics *Metrics
	router  Router
	auth    Verifier
	world   World
	// recorder is told of every frame.
	recorder Recorder
	pages    http.Handler
	shelf    *shelf
	board    *board
	hall     *hall
	ears     *ears

	server   *http.Server
	upgrader *websocket.Upgrader
	// handshakes counts connections from the accept to the Welcome.
	handshakes atomic.Int64
	lastConn   atomic.Uint64

	mu       sync.Mutex
	sessions map[*session]struct{}
	upgrades int // sessions about to be entered
	closing  bool
	running  sync.WaitGroup // sessions; Add only while not closing, under mu
}

// Deps are what a gateway works with.
type Deps struct {
	Router Router
	// Catalog returns the newest snapshot.
	Catalog func() Catalog
	Bus     Subscriber
	Auth    Verifier
	// World knows the zones. nil: there are none to list.
	World World
	// Pages answers what is no WebSocket. nil: 404.
	Pages http.Handler
	// Recorder is told of frames. nil: nobody is.
	Recorder Recorder

	Logger  *slog.Logger // nil: none
	Metrics *Metrics     // nil: none
}

func (d Deps) withDefaults() Deps {
	if d.World == nil {
		d.World = noWorld{}
	}
	if d.Recorder == nil {
		d.Recorder = noRecorder{}
	}
	if d.Pages == nil {
		d.Pages = http.HandlerFunc(http.NotFound)
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Metrics == nil {
		d.Metrics = NewMetrics(nil)
	}
	return d
}

// New returns a gateway that serves nobody yet.
func New(cfg Config, deps Deps) (*Gateway, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	deps = deps.withDefaults()
	g := &Gateway{
		cfg:      cfg,
		limits:   limitsOf(&cfg),
		log:      deps.Logger,
		metrics:  deps.Metrics,
		router:   deps.Router,
		auth:     deps.Auth,
		world:    deps.World,
		recorder: deps.Recorder,
		pages:    deps.Pages,
		shelf:    &shelf{catalog: deps.Catalog},
		board: &board{
			router: deps.Router, bus: deps.Bus, catalog: deps.Catalog, refresh: cfg.StockRefresh,
			log: deps.Logger, open: deps.Metrics.topics, topics: make(map[string]*topic),
		},
		hall: newHall(deps),
		ears: &ears{bus: deps.Bus, log: deps.Logger, open: deps.Metrics.channels, channels: make(map[string]*channel)},

		sessions: make(map[*session]struct{}),
	}
	g.upgrader = newUpgrader(&g.cfg)
	g.server = newServer(g)
	return g, nil
}

func limitsOf(c *Config) *clientv1.Limits {
	l := &clientv1.Limits{
		MaxMessageBytes:   uint32(c.MaxMessageBytes),
		RequestsPerSecond: c.RequestsPerSecond,
		PingIntervalMs:    uint32(c.PingInterval.Milliseconds()),
		MaxWatchedSkus:    uint32(c.MaxWatched),
		MaxInFlight:       uint32(c.MaxInFlight),
		MaxZones:          uint32(c.MaxZones),
		MaxGroups:         uint32(c.MaxGroups),
		MaxChatBytes:      maxChatBytes,
	}
	if c.RequestsPerSecond > 0 {
		l.Burst = uint32(c.Burst)
	}
	return l
}

// Serve accepts clients until Drain or Close, or until ctx ends, which closes
// the gateway. It closes the listener, and returns when the last connection has
// ended.
func (g *Gateway) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = g.server.Close() })
	err := g.server.Serve(ln)
	if !stop() {
		g.Close()
	}
	if !errors.Is(err, http.ErrServerClosed) {
		g.Close()
		return fmt.Errorf("serve clients: %w", err)
	}
	g.running.Wait()
	g.hall.close()
	return nil
}

// Drain stops accepting, answers what is in flight, closes each connection with
// 1001 and waits for that. When ctx ends first it closes the rest, and returns
// the cause.
func (g *Gateway) Drain(ctx context.Context) error {
	for _, s := range g.stopAccepting() {
		s.queue.drain()
	}
	// Shutdown closes the listeners first. It must not wait: requests that are
	// not upgraded yet will be refused.
	now, cancel := context.WithCancel(ctx)
	cancel()
	_ = g.server.Shutdown(now)

	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("drain clients: %w", context.Cause(ctx))
	}
	g.Close()
	<-done
	return err
}

// Close ends every connection, answered or not, and waits.
func (g *Gateway) Close() {
	for _, s := range g.stopAccepting() {
		s.queue.close(farewell{code: websocket.CloseGoingAway, text: "this gateway is closing", reason: reasonShutdown})
		s.abandon()
	}
	_ = g.server.Close()
	g.running.Wait()
	g.hall.close()
}

// stopAccepting returns the sessions there are; there will be no more.
func (g *Gateway) stopAccepting() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
	all := make([]*session, 0, len(g.sessions))
	for s := range g.sessions {
		all = append(all, s)
	}
	return all
}

// reserve makes room for one more session, before the upgrade.
func (g *Gateway) reserve() (ok bool, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closing:
		return false, "draining"
	case len(g.sessions)+g.upgrades >= g.cfg.MaxConnections:
		return false, "max_connections"
	}
	g.upgrades++
	g.running.Add(1)
	return true, ""
}

// release gives the room back when the upgrade came to nothing.
func (g *Gateway) release() {
	g.mu.Lock()
	g.upgrades--
	g.mu.Unlock()
	g.running.Done()
}

// start serves a session in the room that was reserved for it.
func (g *Gateway) start(s *session) {
	g.mu.Lock()
	g.upgrades--
	g.sessions[s] = struct{}{}
	if g.closing {
		s.queue.drain()
	}
	g.mu.Unlock()
	g.metrics.accepted.Inc()
	g.metrics.connections.Inc()
	go s.begin()
}

// ended forgets a session.
func (g *Gateway) ended(s *session) {
	g.metrics.connections.Dec()
	g.mu.Lock()
	delete(g.sessions, s)
	g.mu.Unlock()
	g.running.Done()
}
