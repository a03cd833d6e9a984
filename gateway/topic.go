package gateway

import (
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// askAgain is how soon a slice that has not answered is asked again.
const askAgain = time.Second

// topic adds up the slices of one SKU, as heard and as asked.
type topic struct {
	b   *board
	sku string

	mu          sync.Mutex
	viewers     map[*watched]struct{}
	slices      []sliceLevel
	unknown     int // slices that have not been heard of
	free        int64
	low         int64
	state       clientv1.StockState // UNSPECIFIED while a slice is unknown
	whenKnown   []func()            // called without mu
	unsubscribe func()
	timer       *time.Timer
	refreshAt   time.Time
	stopped     bool
}

// sliceLevel is what is known of one slice.
type sliceLevel struct {
	free  int64
	heard uint64 // how often; an answer older than a broadcast is ignored
	quiet bool   // no broadcast came since the last refresh
	due   bool   // to be asked for that
}

func newTopic(b *board, sku string, slices int, low int64) *topic {
	levels := make([]sliceLevel, max(slices, 1))
	for i := range levels {
		levels[i].quiet = true
	}
	return &topic{
		b:       b,
		sku:     sku,
		viewers: make(map[*watched]struct{}),
		slices:  levels,
		unknown: len(levels),
		low:     low,
	}
}

func (t *topic) add(w *watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.viewers[w] = struct{}{}
}

// remove reports whether w was the last viewer.
func (t *topic) remove(w *watched) (last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.viewers, w)
	t.stopped = len(t.viewers) == 0
	return t.stopped
}

// start subscribes, and only then asks: what changes in between is heard.
func (t *topic) start() {
	t.subscribe()
	t.ask()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshAt = time.Now().Add(t.b.refresh)
	if !t.stopped {
		t.timer = time.AfterFunc(askAgain, t.tick)
	}
}

func (t *topic) subscribe() {
	unsubscribe, err := t.b.bus.Subscribe("stock."+t.sku, t.hear)
	if err != nil {
		t.b.log.Warn("subscribe to stock", "sku", t.sku, "error", err)
		return
	}
	t.mu.Lock()
	stopped := t.stopped
	if !stopped {
		t.unsubscribe = unsubscribe
	}
	t.mu.Unlock()
	if stopped {
		unsubscribe()
	}
}

// stop ends a topic that has no viewer left.
func (t *topic) stop() {
	t.mu.Lock()
	unsubscribe := t.unsubscribe
	t.unsubscribe = nil
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	if unsubscribe != nil {
		unsubscribe()
	}
}

// tick asks the slices that are unknown, and once in a while those that no
// broadcast came from.
func (t *topic) tick() {
	t.mu.Lock()
	lost := t.unsubscribe == nil && !t.stopped
	if now := time.Now(); !now.Before(t.refreshAt) {
		t.refreshAt = now.Add(t.b.refresh)
		for i := range t.slices {
			t.slices[i].due, t.slices[i].quiet = t.slices[i].quiet, true
		}
	}
	t.mu.Unlock()
	if lost {
		t.subscribe()
	}
	t.ask()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopped:
	case t.unknown > 0 || t.unsubscribe == nil:
		t.timer.Reset(askAgain)
	default:
		t.timer.Reset(time.Until(t.refreshAt))
	}
}

// question is the Waiter of a question to one slice.
type question struct {
	t     *topic
	slice int
	heard uint64
}

// ask asks each slice that is unknown or due.
func (t *topic) ask() {
	t.mu.Lock()
	questions := make([]*question, 0, len(t.slices))
	for i := range t.slices {
		s := &t.slices[i]
		if s.heard == 0 || s.due {
			questions = append(questions, &question{t: t, slice: i, heard: s.heard})
		}
		s.due = false
	}
	if t.stopped {
		questions = nil
	}
	t.mu.Unlock()
	for _, q := range questions {
		t.b.router.Do(&cluster.Command{
			To:     cluster.ActorID{Kind: kindStock, ID: t.sku + "/" + strconv.Itoa(q.slice)},
			Method: "Level",
			Body:   &clusterv1.Level{},
		}, q)
	}
}

// Answered takes a slice's answer. A refusal leaves it to the next tick.
func (q *question) Answered(a *cluster.Answer) {
	if a.Code != clientv1.Code_CODE_UNSPECIFIED {
		return
	}
	m, err := decodeAnswer[clusterv1.StockSlice](a)
	if err != nil {
		q.t.b.log.Error("decode answer of Level", "sku", q.t.sku, "slice", q.slice, "error", err)
		return
	}
	q.t.set(q.slice, m, func(s *sliceLevel) bool { return s.heard == q.heard })
}

// hear takes a broadcast.
func (t *topic) hear(body []byte) {
	var m clusterv1.StockSlice
	if err := proto.Unmarshal(body, &m); err != nil {
		t.b.log.Error("decode stock broadcast", "sku", t.sku, "error", err)
		return
	}
	t.set(int(m.GetSlice()), &m, func(s *sliceLevel) bool {
		s.quiet = false
		return true
	})
}

// set changes what is known of a slice if that is current, and tells the
// viewers when it changes the state of the whole.
func (t *topic) set(slice int, m *clusterv1.StockSlice, current func(*sliceLevel) bool) {
	t.mu.Lock()
	if slice < 0 || slice >= len(t.slices) || !current(&t.slices[slice]) {
		t.mu.Unlock()
		return
	}
	s := &t.slices[slice]
	if s.heard == 0 {
		t.unknown--
	}
	t.free += m.GetFree() - s.free
	s.free = m.GetFree()
	s.heard++
	if p, ok := t.b.catalog().Product(t.sku); ok {
		t.low = p.GetLowStock()
	}
	known := t.judge()
	t.mu.Unlock()
	for _, fn := range known {
		fn()
	}
}

// judge sets the state, and returns whom to tell that it is known. The caller
// holds mu.
func (t *topic) judge() (known []func()) {
	if t.unknown > 0 {
		return nil
	}
	before := t.state
	switch {
	case t.free <= 0:
		t.state = clientv1.StockState_STOCK_STATE_SOLD_OUT
	case t.free <= t.low:
		t.state = clientv1.StockState_STOCK_STATE_LOW
	default:
		t.state = clientv1.StockState_STOCK_STATE_AVAILABLE
	}
	if t.state != before {
		t.tell()
	}
	known, t.whenKnown = t.whenKnown, nil
	return known
}
