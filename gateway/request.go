package gateway

import (
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// request is one request that an actor has to answer. It is its own Waiter, and
// holds the command: one allocation for both.
type request struct {
	cmd    cluster.Command
	s      *session
	seq    uint64
	method *method
	began  time.Time
	span   trace.Span // nil when not traced
}

// Answered queues the reply. It is called once, by the router.
func (r *request) Answered(a *cluster.Answer) {
	r.s.queue.answer(reply{req: r, ans: a})
}

// done is called by the writer, with the answer's code.
func (r *request) done(m *Metrics, code clientv1.Code) {
	m.latency[r.method].Observe(time.Since(r.began).Seconds())
	if r.span != nil {
		endSpan(r.span, code)
	}
}

// send hands a request to the router, if it is within the connection's limit.
// It reports whether the connection goes on.
func (s *session) send(seq uint64, m *method, cmd cluster.Command) bool {
	if ok, goOn := s.admit(seq); !ok {
		return goOn
	}
	r := &request{cmd: cmd, s: s, seq: seq, method: m}
	r.begin()
	s.g.router.Do(&r.cmd, r)
	return true
}

func (r *request) begin() {
	r.began = r.s.now
	r.cmd.Caller.Player = r.s.player
	if t := r.s.g.cfg.Tracer; t != nil {
		r.span, r.cmd.Traceparent = startSpan(t, r.method, r.s.id, &r.cmd)
	}
}

// consultation is a request whose answer the gateway works with before it
// replies.
type consultation struct {
	request
	// succeeded is called with a successful answer; it calls reply, now or later.
	succeeded func(c *consultation, a *cluster.Answer) error
	// failed is called before a refusal is passed on. nil: nothing is to be done.
	failed func()
}

func (c *consultation) Answered(a *cluster.Answer) {
	if a.Code == clientv1.Code_CODE_UNSPECIFIED {
		err := c.succeeded(c, a)
		if err == nil {
			return
		}
		c.s.log().Error("decode answer", "method", c.method.name, "error", err)
		a = &cluster.Answer{Code: clientv1.Code_CODE_INTERNAL, Text: "the answer could not be read"}
	}
	if c.failed != nil {
		c.failed()
	}
	c.request.Answered(a)
}

// reply answers the client's request.
func (c *consultation) reply(f *clientv1.ServerFrame) {
	f.Seq = c.seq
	c.s.queue.answer(reply{req: &c.request, frame: f})
}

// consult hands a consultation to the router, like send. Without that, failed
// is called.
func (s *session) consult(seq uint64, m *method, cmd cluster.Command, c *consultation) bool {
	if ok, goOn := s.admit(seq); !ok {
		if c.failed != nil {
			c.failed()
		}
		return goOn
	}
	c.request = request{cmd: cmd, s: s, seq: seq, method: m}
	c.begin()
	s.g.router.Do(&c.cmd, c)
	return true
}

// admit counts a request in, or refuses or ignores it; goOn is false when the
// connection cannot go on.
func (s *session) admit(seq uint64) (ok, goOn bool) {
	switch s.queue.admit() {
	case overloaded:
		return false, s.say(retryLater(seq, clientv1.Code_CODE_OVERLOADED, overloadRetry,
			"%d requests of this connection are waiting for an answer", s.g.cfg.MaxInFlight))
	case draining:
		// No answer: the connection ends as soon as those under way are answered,
		// and its client repeats this at another gateway. To be told that would be
		// an error for nothing.
		return false, true
	case closed:
		return false, false
	}
	return true, true
}
