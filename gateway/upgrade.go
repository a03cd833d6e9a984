package gateway

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/gorilla/websocket"
)

// Path is where clients connect.
const Path = "/v1/ws"

// newServer returns the HTTP server below the WebSockets. It serves one request
// per connection: most are upgrades, and the few for a page are not worth
// keeping a connection that counts as a handshake.
func newServer(g *Gateway) *http.Server {
	s := &http.Server{
		Handler:           g,
		ReadHeaderTimeout: g.cfg.HeaderTimeout,
		ReadTimeout:       g.cfg.HeaderTimeout,
		WriteTimeout:      g.cfg.WriteTimeout,
		MaxHeaderBytes:    g.cfg.MaxHeaderBytes,
		ConnState:         g.countHandshake,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		// No HTTP/2: a WebSocket upgrade needs HTTP/1.1.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	s.SetKeepAlivesEnabled(false)
	return s
}

// countHandshake counts the connections that have not been greeted, and closes
// those that are too many before they cost more.
func (g *Gateway) countHandshake(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if g.handshakes.Add(1) > int64(g.cfg.MaxHandshakes) {
			g.metrics.turnedAway.WithLabelValues("max_handshakes").Inc()
			_ = c.Close()
		}
	case http.StateClosed:
		g.handshakes.Add(-1)
	}
	// A hijacked connection is counted until its session is greeted.
}

func newUpgrader(c *Config) *websocket.Upgrader {
	u := &websocket.Upgrader{
		HandshakeTimeout: c.WriteTimeout,
		WriteBufferPool:  &sync.Pool{}, // else it makes a buffer that nobody uses
		Subprotocols:     []string{SubprotocolProto, SubprotocolJSON},
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			http.Error(w, reason.Error(), status)
		},
	}
	if len(c.Origins) > 0 {
		u.CheckOrigin = func(r *http.Request) bool { return originAllowed(c.Origins, r.Header.Get("Origin")) }
	}
	return u
}

func originAllowed(allowed []string, origin string) bool {
	return origin == "" || slices.Contains(allowed, "*") || slices.Contains(allowed, origin)
}

// ServeHTTP upgrades a request for Path to a session. Others get a page.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		g.pages.ServeHTTP(w, r)
		return
	}
	if websocket.IsWebSocketUpgrade(r) && !offersSubprotocol(r) {
		g.metrics.turnedAway.WithLabelValues("subprotocol").Inc()
		http.Error(w, fmt.Sprintf("offer the WebSocket subprotocol %s or %s in Sec-WebSocket-Protocol", SubprotocolProto, SubprotocolJSON), http.StatusBadRequest)
		return
	}
	ok, why := g.reserve()
	if !ok {
		g.metrics.turnedAway.WithLabelValues(why).Inc()
		w.Header().Set("Retry-After", "1")
		http.Error(w, "no room for another connection: "+why, http.StatusServiceUnavailable)
		return
	}
	h := &hijacker{ResponseWriter: w}
	ws, err := g.upgrader.Upgrade(h, r, nil)
	if err != nil {
		g.metrics.turnedAway.WithLabelValues("upgrade").Inc()
		if h.hijacked { // so nobody else counts it out
			g.handshakes.Add(-1)
		}
		g.release()
		return
	}
	// From here on the gateway reads and writes the frames itself.
	g.start(newSession(g, ws.Subprotocol(), newWire(ws.NetConn(), &g.cfg)))
}

func offersSubprotocol(r *http.Request) bool {
	for _, p := range websocket.Subprotocols(r) {
		if p == SubprotocolProto || p == SubprotocolJSON {
			return true
		}
	}
	return false
}

// hijacker knows whether the connection was taken over.
type hijacker struct {
	http.ResponseWriter
	hijacked bool
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.hijacked = err == nil
	return c, rw, err
}
