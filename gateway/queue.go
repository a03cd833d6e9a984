package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// replyRoom is how many replies that the gateway gives by itself (pongs,
// refusals, catalogs) may wait to be written. When they fill it the reader
// waits, so the client is not read from, and after roomWait the connection is
// closed: its client asks without reading what it is told.
const (
	replyRoom = 64
	roomWait  = time.Second
)

// eventRoom is how many events, lines of chat and the like, may wait to be
// written: a screenful.
const eventRoom = 64

// reply is what is to be written at one place in the order: what an actor
// answered to a request, a frame of the gateway's own, an event or pieces of the
// world. Of ans, frame, event and raw one is set.
type reply struct {
	req *request // nil: it answers none, or one that needs no actor
	ans *cluster.Answer

	frame *clientv1.ServerFrame
	event *event
	raw   []byte // as it goes to the socket
	// cut: the beginning of raw is written, or others think it is, so that nothing
	// else may come before the rest.
	cut bool
	// admitted: the frame answers a request that was admitted.
	admitted bool
}

// farewell is why a connection ends. code 0 closes it without a close frame.
type farewell struct {
	code   int
	text   string
	reason reason
}

// queue is what waits to be written to one connection, and says who may write:
// one at a time, a writer that lives while there is something to write, or
// whoever shows a piece of the world to a connection that is idle.
//
// It is bounded without ever turning an answer away: at most maxInFlight
// answers, because admit has counted their requests; at most replyRoom replies of
// the gateway's own; at most eventRoom events, of which the oldest go; at most
// one level per watched SKU; at most one pong and one ping; of the world worldRoom,
// see show.
type queue struct {
	maxInFlight int
	// writer starts the session's writer.
	writer func()

	mu       sync.Mutex
	writing  bool // somebody owns the writing
	ended    bool // the farewell was said: nobody writes any more
	replies  []reply
	own      int        // of replies, those of the gateway's own
	events   int        // of replies, events
	levels   []*watched // whose newest level has not been written
	pong     []byte     // payload of the newest ping, nil when it is answered
	ping     bool
	inFlight int // requests admitted and not yet taken by the writer
	draining bool
	bye      *farewell     // the first reason wins
	room     chan struct{} // is told that own has fallen; nil while nobody waits

	world worldQueue
}

func newQueue(maxInFlight int, writer func()) *queue {
	return &queue{maxInFlight: maxInFlight, writer: writer}
}

// admission is what becomes of a request.
type admission int

const (
	admitted admission = iota
	overloaded
	draining
	closed
)

// admit counts a request in, until the writer takes its reply.
func (q *queue) admit() admission {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.bye != nil:
		return closed
	case q.draining:
		return draining
	case q.inFlight >= q.maxInFlight:
		return overloaded
	}
	q.inFlight++
	return admitted
}

// answer queues the reply to an admitted request.
func (q *queue) answer(r reply) {
	r.admitted = true
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bye == nil {
		q.replies = append(q.replies, r)
		q.rouse()
	}
}

// say queues a reply of the gateway's own, waiting for room. Only the reader
// calls it. False: there was none in time.
func (q *queue) say(f *clientv1.ServerFrame) bool {
	timeout := time.NewTimer(roomWait)
	defer timeout.Stop()
	for {
		room, said := q.trySay(f)
		if said {
			return true
		}
		select {
		case <-room:
		case <-timeout.C:
			return false
		}
	}
}

// trySay queues a reply if there is room. Else room is told when there is.
func (q *queue) trySay(f *clientv1.ServerFrame) (room <-chan struct{}, said bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.bye != nil:
	case q.own >= replyRoom:
		if q.room == nil {
			q.room = make(chan struct{}, 1)
		}
		return q.room, false
	default:
		q.own++
		q.replies = append(q.replies, reply{frame: f})
		q.rouse()
	}
	return nil, true
}

// tell queues an event. Of more than eventRoom the oldest is dropped: its client
// does not read, and can ask for what it has missed.
func (q *queue) tell(e *event) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bye != nil {
		return false
	}
	if dropped = q.events >= eventRoom; dropped {
		oldest := slices.IndexFunc(q.replies, func(r reply) bool { return r.event != nil })
		q.replies = slices.Delete(q.replies, oldest, oldest+1)
		q.events--
	}
	q.events++
	q.replies = append(q.replies, reply{event: e})
	q.rouse()
	return dropped
}

// level queues the newest level of a watched SKU, in place of an older one.
func (q *queue) level(w *watched, l *event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.level == nil {
		q.levels = append(q.levels, w)
	}
	w.level = l
	q.rouse()
}

// answerPing queues a pong. Of pings that come faster than pongs are written,
// only the newest is answered (RFC 6455, section 5.5.3).
func (q *queue) answerPing(payload []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pong = append(make([]byte, 0, len(payload)), payload...)
	q.rouse()
}

// pingDue queues a ping. False: the connection is closing.
func (q *queue) pingDue() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ping = true
	q.rouse()
	return q.bye == nil
}

// drain admits no more requests, and says farewell when the last was answered.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.draining = true
	q.rouse()
}

// close says farewell, after what is queued already.
func (q *queue) close(f farewell) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bye == nil {
		q.bye = &f
	}
	q.rouse()
}

// closedBecause is the reason of the farewell, "" while there is none.
func (q *queue) closedBecause() reason {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bye == nil {
		return ""
	}
	return q.bye.reason
}

// rouse starts a writer if there is none. The caller holds mu.
func (q *queue) rouse() {
	if !q.writing && !q.ended {
		q.writing = true
		go q.writer()
	}
}

// batch is all that was queued at one moment. The writer owns it and uses it
// again.
type batch struct {
	replies []reply
	levels  []*event
	pong    []byte
	ping    bool
	bye     *farewell
	world   int // bytes of the world among the replies
}

// take fills b with all that is queued, after the writer has written what it
// took before. False: there was nothing, and the caller does not own the writing
// any more.
func (q *queue) take(b *batch) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.world.pending -= b.world
	b.world = 0
	clear(b.replies)
	if q.draining && q.inFlight == q.answers() && q.bye == nil {
		q.bye = &farewell{code: websocket.CloseGoingAway, text: "this gateway is going away", reason: reasonDrained}
	}
	if len(q.replies) == 0 && len(q.levels) == 0 && q.pong == nil && !q.ping && q.bye == nil {
		q.replies, q.levels = nil, nil // an idle connection keeps no queue
		q.writing = false
		return false
	}
	b.replies, q.replies = q.replies, b.replies[:0]
	for i := range b.replies {
		r := &b.replies[i]
		if r.admitted {
			q.inFlight--
		}
		b.world += len(r.raw)
	}
	q.events = 0
	if q.own > 0 {
		q.own = 0
		select {
		case q.room <- struct{}{}:
		default:
		}
	}
	clear(b.levels)
	b.levels = b.levels[:0]
	for _, w := range q.levels {
		b.levels = append(b.levels, w.level)
		w.level = nil
	}
	clear(q.levels)
	q.levels = q.levels[:0]
	b.pong, q.pong = q.pong, nil
	b.ping, q.ping = q.ping, false
	b.bye = q.bye
	return true
}

// answers counts the replies that their requests wait for. The caller holds mu.
func (q *queue) answers() int {
	n := 0
	for i := range q.replies {
		if q.replies[i].admitted {
			n++
		}
	}
	return n
}

// end is called by the writer after the farewell.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.replies, q.levels, q.pong = nil, nil, nil
}
