package gateway

import (
	"crypto/rand"
	"log/slog"
	"math"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// session is one connection, from the upgrade to the end.
type session struct {
	g     *Gateway
	id    string
	log   *slog.Logger
	ws    *websocket.Conn
	wire  *wire
	codec codec
	queue *queue

	// Of the reader.
	player  string
	in      clientv1.ClientFrame
	now     time.Time     // when the frame in hand was read
	limiter *rate.Limiter // nil: no limit
	inside  bool          // between the first and the last byte of a message
	watches map[string]*watched

	// Of the writer.
	out     []byte
	written chan struct{} // closed when the writer has ended

	pings *time.Timer // runs from the Welcome to the end
}

func newSession(g *Gateway, ws *websocket.Conn, w *wire) *session {
	s := &session{
		g:       g,
		id:      rand.Text(),
		ws:      ws,
		wire:    w,
		codec:   codecOf(ws.Subprotocol()),
		queue:   newQueue(g.cfg.MaxInFlight),
		written: make(chan struct{}),
	}
	s.log = g.log.With("session", s.id)
	s.pings = time.AfterFunc(math.MaxInt64, func() { // reset by run
		if s.queue.pingDue() {
			s.pings.Reset(g.cfg.PingInterval)
		}
	})
	if g.cfg.RequestsPerSecond > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(g.cfg.RequestsPerSecond), g.cfg.Burst)
	}
	ws.SetReadLimit(int64(g.cfg.MaxMessageBytes))
	ws.SetPingHandler(func(payload string) error {
		s.queue.answerPing(payload)
		s.controlEnded()
		return nil
	})
	ws.SetPongHandler(func(string) error {
		s.controlEnded()
		return nil
	})
	// The writer echoes the close, behind whatever is queued; see failed.
	ws.SetCloseHandler(func(int, string) error { return nil })
	return s
}

// run serves the connection. It returns when both goroutines have ended.
func (s *session) run() {
	go func() {
		defer close(s.written)
		s.write()
	}()
	greeted := s.greet()
	s.g.handshakes.Add(-1)
	if greeted {
		s.pings.Reset(s.g.cfg.PingInterval)
		s.read()
	}
	s.pings.Stop()
	<-s.written
	s.awaitHangup()
	_ = s.wire.Close()
	s.unwatchAll()

	why := s.queue.closedBecause()
	s.g.metrics.closed.WithLabelValues(string(why)).Inc()
	s.log.Debug("session ended", "player", s.player, "reason", why)
}

// say queues a reply of the gateway's own. Without room for it the connection
// is closed, and say returns false.
func (s *session) say(f *clientv1.ServerFrame) bool {
	if s.queue.trySay(f) {
		return true
	}
	s.g.metrics.queueFull.Inc()
	if s.queue.say(f) {
		return true
	}
	// No close frame: there is no room for that either.
	s.queue.close(farewell{reason: reasonQueueFull})
	_ = s.wire.Close()
	return false
}

// sayLast queues an error and then closes the connection.
func (s *session) sayLast(f *clientv1.ServerFrame, code int, why reason) {
	if s.say(f) {
		s.queue.close(farewell{code: code, text: f.GetError().GetText(), reason: why})
	}
}

// abandon gives a closing session no more than the grace to end, wherever its
// goroutines are.
func (s *session) abandon() {
	time.AfterFunc(s.g.cfg.CloseGrace, func() { _ = s.wire.Close() })
}
