package gateway

import (
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// oneProduct is a catalog, a bus and a router for one SKU of two slices.
type oneProduct struct {
	mu      sync.Mutex
	busDown bool
	asked   []string
	waiters []Waiter
	hear    func([]byte)
}

func (*oneProduct) Version() int64 { return 1 }

func (*oneProduct) Product(sku string) (*clusterv1.Product, bool) {
	return &clusterv1.Product{Sku: sku, Slices: 2, LowStock: 10}, sku == "sword"
}

func (*oneProduct) Range(string) iter.Seq[*clusterv1.Product] {
	return func(func(*clusterv1.Product) bool) {}
}

func (o *oneProduct) Subscribe(_ string, fn func([]byte)) (func(), error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busDown {
		return nil, errors.New("bus is down")
	}
	o.hear = fn
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.hear = nil
	}, nil
}

func (o *oneProduct) Do(cmd *cluster.Command, w Waiter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, cmd.To.ID)
	o.waiters = append(o.waiters, w)
}

// tookAsked returns what was asked since the last time.
func (o *oneProduct) tookAsked() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.asked
	o.asked = nil
	return a
}

func (o *oneProduct) publish(t *testing.T, slice uint32, free int64) {
	t.Helper()
	body, err := proto.Marshal(&clusterv1.StockSlice{Sku: "sword", Slice: slice, Free: free})
	if err != nil {
		t.Fatal(err)
	}
	o.hear(body)
}

func (o *oneProduct) board() *board {
	return &board{
		router: o, bus: o, catalog: func() Catalog { return o }, refresh: 15 * time.Second,
		log: slog.New(slog.DiscardHandler), open: prometheus.NewGauge(prometheus.GaugeOpts{}), topics: make(map[string]*topic),
	}
}

func level50(w Waiter) {
	w.Answered(&cluster.Answer{Body: &clusterv1.StockSlice{Free: 50}})
}

func join(t *testing.T, b *board) *watched {
	t.Helper()
	w := &watched{sku: "sword", queue: newQueue(1, func() {})}
	if w.topic = b.join(w); w.topic == nil {
		t.Fatal("no such product")
	}
	return w
}

// An answer that was on its way when a broadcast came is older than that.
func TestTopicIgnoresOlderAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(oneProduct)
		b := o.board()
		w := join(t, b)
		defer b.leave(w)
		level50(o.waiters[1])
		o.publish(t, 0, 3)
		level50(o.waiters[0])
		if got := w.topic.look(w); got.GetFree() != 53 {
			t.Errorf("free is %d, want 53", got.GetFree())
		}
	})
}

// Slices that have not answered are asked again soon; those not heard of, once
// in a while, because broadcasts may be lost; those heard of, never.
func TestTopicAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(oneProduct)
		b := o.board()
		w := join(t, b)
		step := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := o.tookAsked(); !slices.Equal(got, want) {
				t.Fatalf("asked %v, want %v", got, want)
			}
		}
		step(0, "sword/0", "sword/1")
		o.waiters[0].Answered(&cluster.Answer{Code: clientv1.Code_CODE_UNAVAILABLE})
		level50(o.waiters[1])
		step(askAgain, "sword/0")
		level50(o.waiters[2])
		step(askAgain)
		step(b.refresh - 2*askAgain - 1)
		step(1, "sword/0", "sword/1")
		level50(o.waiters[3])
		level50(o.waiters[4])
		step(b.refresh - 1)
		o.publish(t, 1, 49)
		step(1, "sword/0")
		o.publish(t, 0, 48)
		o.publish(t, 1, 48)
		step(b.refresh)
		b.leave(w)
		if o.hear != nil {
			t.Error("still subscribed after the last viewer")
		}
		step(time.Hour)
	})
}

// While the bus is down levels come by asking; when it is back it is used.
func TestTopicWithoutBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oneProduct{busDown: true}
		b := o.board()
		w := join(t, b)
		for _, q := range o.waiters {
			level50(q)
		}
		if got := w.topic.look(w); got.GetState() != clientv1.StockState_STOCK_STATE_AVAILABLE {
			t.Errorf("level is %v", got)
		}
		o.mu.Lock()
		o.busDown = false
		o.mu.Unlock()
		time.Sleep(askAgain)
		synctest.Wait()
		o.mu.Lock()
		subscribed := o.hear != nil
		o.mu.Unlock()
		if !subscribed {
			t.Error("did not subscribe when the bus was back")
		}
		b.leave(w)
	})
}

// What is not a slice of this product changes nothing.
func TestTopicIgnoresNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(oneProduct)
		b := o.board()
		w := join(t, b)
		defer b.leave(w)
		for _, q := range o.waiters {
			level50(q)
		}
		o.hear([]byte{0xff})
		o.publish(t, 2, 1000)
		o.publish(t, 1<<31, 1000)
		if got := w.topic.look(w); got.GetFree() != 100 {
			t.Errorf("free is %d, want 100", got.GetFree())
		}
	})
}
