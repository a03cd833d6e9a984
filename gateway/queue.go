package gateway

import (
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

// reply is one frame to be written: what an actor answered to a request, or
// else a frame of the gateway's own.
type reply struct {
	req *request
	ans *cluster.Answer

	frame *clientv1.ServerFrame
	// admitted: the frame answers a request that was admitted.
	admitted bool
}

// farewell is why a connection ends. code 0 closes it without a close frame.
type farewell struct {
	code   int
	text   string
	reason reason
}

// queue is what waits to be written to one connection. It is bounded without
// ever turning an answer away: at most maxInFlight answers, because admit has
// counted their requests; at most replyRoom replies of the gateway's own; at
// most one level per watched SKU; at most one pong and one ping.
type queue struct {
	maxInFlight int
	// wake has room for one: the writer takes everything at once.
	wake chan struct{}
	// room is told that the writer has taken the gateway's own replies.
	room chan struct{}

	mu       sync.Mutex
	replies  []reply
	own      int        // of replies, those not admitted
	levels   []*watched // whose newest level has not been written
	pong     []byte     // payload of the newest ping, nil when it is answered
	ping     bool
	inFlight int // requests admitted and not yet taken by the writer
	draining bool
	bye      *farewell // the first reason wins
}

func newQueue(maxInFlight int) *queue {
	return &queue{maxInFlight: maxInFlight, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
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
	if q.bye == nil {
		q.replies = append(q.replies, r)
	}
	q.mu.Unlock()
	q.rouse()
}

// say queues a reply of the gateway's own, waiting for room. Only the reader
// calls it. False: there was none in time.
func (q *queue) say(f *clientv1.ServerFrame) bool {
	if q.trySay(f) {
		return true
	}
	timeout := time.NewTimer(roomWait)
	defer timeout.Stop()
	for {
		select {
		case <-q.room:
			if q.trySay(f) {
				return true
			}
		case <-timeout.C:
			return false
		}
	}
}

func (q *queue) trySay(f *clientv1.ServerFrame) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.own >= replyRoom && q.bye == nil {
		return false
	}
	if q.bye == nil {
		q.own++
		q.replies = append(q.replies, reply{frame: f})
		q.rouse()
	}
	return true
}

// level queues the newest level of a watched SKU, in place of an older one.
func (q *queue) level(w *watched, l *level) {
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
func (q *queue) answerPing(payload string) {
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

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // the writer has not taken the last one yet, and will take all
	}
}

// batch is all that was queued at one moment. The writer owns it and uses it
// again.
type batch struct {
	replies []reply
	levels  []*level
	pong    []byte
	ping    bool
	bye     *farewell
}

// take fills b with all that is queued.
func (q *queue) take(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(b.replies)
	b.replies, q.replies = q.replies, b.replies[:0]
	if cap(q.replies) > keepReplies {
		q.replies = nil
	}
	for _, r := range b.replies {
		if r.admitted {
			q.inFlight--
		}
	}
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
	if q.draining && q.inFlight == 0 && q.bye == nil {
		q.bye = &farewell{code: websocket.CloseGoingAway, text: "this gateway is going away", reason: reasonDrained}
	}
	b.bye = q.bye
}

// keepReplies is how large a queue an idle connection keeps.
const keepReplies = 32
