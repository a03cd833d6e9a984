package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// Config is what a Server can be told. All fields are required.
type Config struct {
	// Token is what operators present as bearers.
	Token string
	// Ready is nil when the node serves what it should, or says what is missing.
	Ready func() error
	// Metrics are what /metrics shows.
	Metrics prometheus.Gatherer
	Logger  *slog.Logger
}

// Validate says which field cannot work, and why.
func (c Config) Validate() error {
	switch {
	case c.Token == "":
		return errors.New("admin config: Token: empty")
	case c.Ready == nil:
		return errors.New("admin config: Ready: not set")
	case c.Metrics == nil:
		return errors.New("admin config: Metrics: not set")
	case c.Logger == nil:
		return errors.New("admin config: Logger: not set")
	}
	return nil
}

const (
	// headerTimeout is how long a request's header may take to arrive.
	headerTimeout = 5 * time.Second
	// maxRequestBytes of one call: a product is the largest.
	maxRequestBytes = 64 << 10
)

// Server answers operators.
type Server struct {
	http http.Server
}

// New returns a server before a service. It answers nobody until Serve.
func New(cfg Config, service *Service) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	guard := newGuard(cfg.Token)
	mux := http.NewServeMux()
	path, rpc := adminv1connect.NewAdminServiceHandler(service, connect.WithReadMaxBytes(maxRequestBytes))
	mux.Handle(path, guard.bearers(rpc))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, cfg.Ready()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Metrics, promhttp.HandlerOpts{}))
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/pprof/", guard.local(profiles))

	s := &Server{http: http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
	}}
	// gRPC needs HTTP/2, here without TLS.
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	return s, nil
}

// answer writes a health check's result.
func answer(w http.ResponseWriter, err error) {
	text := "ok"
	if err != nil {
		text = err.Error()
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = fmt.Fprintln(w, text) // whoever asked is gone otherwise
}

// Serve answers on ln until Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve operators: %w", err)
	}
	return nil
}

// Shutdown lets calls under way finish until ctx is done, then cuts them off.
func (s *Server) Shutdown(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // only repeats that a connection was broken
	}
}
