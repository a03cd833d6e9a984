package gateway

import (
	"crypto/rand"
	"log/slog"
	"math"
	"time"

	"golang.org/x/time/rate"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// session is one connection, from the upgrade to the end.
type session struct {
	g     *Gateway
	id    string
	conn  uint64 // as the recorder knows it
	wire  *wire
	codec codec
	queue *queue

	// Of the reader.
	player  string
	opened  bool // the recorder knows of it; set before anything of the player is queued
	in      clientv1.ClientFrame
	now     time.Time     // when the frame in hand was read
	limiter *rate.Limiter // nil: no limit
	readErr error         // that ended the reading
	watches map[string]*watched
	stays   *stays // nil until the player enters something

	written chan struct{} // closed when nothing more will be written

	pings *time.Timer // runs from the Welcome to the end
}

func newSession(g *Gateway, subprotocol string, w *wire) *session {
	s := &session{
		g:       g,
		id:      rand.Text(),
		conn:    g.lastConn.Add(1),
		wire:    w,
		codec:   codecOf(subprotocol),
		written: make(chan struct{}),
	}
	s.queue = newQueue(g.cfg.MaxInFlight, s.write)
	s.pings = time.AfterFunc(math.MaxInt64, func() { // reset by run
		if s.queue.pingDue() {
			s.pings.Reset(g.cfg.PingInterval)
		}
	})
	if g.cfg.RequestsPerSecond > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(g.cfg.RequestsPerSecond), g.cfg.Burst)
	}
	return s
}

// log is made when there is something to say: most sessions never do.
func (s *session) log() *slog.Logger { return s.g.log.With("session", s.id) }

// begin greets the client. It serves the connection in another goroutine: what
// it takes to check a token leaves a stack behind that is four times as large as
// waiting for a message needs.
func (s *session) begin() {
	greeted := s.greet()
	s.in.Body = nil
	s.g.handshakes.Add(-1)
	go s.run(greeted)
}

// run serves the connection. It returns when the reading and the writing have
// ended.
func (s *session) run(greeted bool) {
	defer s.g.ended(s)
	if greeted {
		s.pings.Reset(s.g.cfg.PingInterval)
		s.read()
	}
	s.pings.Stop()
	<-s.written
	s.awaitHangup()
	s.wire.close()
	s.unwatchAll()
	s.stays.end()
	if s.opened {
		s.g.recorder.Closed(s.conn, time.Now())
	}

	why := s.queue.closedBecause()
	s.g.metrics.closed.WithLabelValues(string(why)).Inc()
	s.log().Debug("session ended", "player", s.player, "reason", why)
}

// say queues a reply of the gateway's own. Without room for it the connection
// is closed, and say returns false.
func (s *session) say(f *clientv1.ServerFrame) bool {
	if _, said := s.queue.trySay(f); said {
		return true
	}
	s.g.metrics.queueFull.Inc()
	if s.queue.say(f) {
		return true
	}
	// No close frame: there is no room for that either.
	s.queue.close(farewell{reason: reasonQueueFull})
	s.wire.close()
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
	time.AfterFunc(s.g.cfg.CloseGrace, s.wire.close)
}
