package broadcast

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/holdfast-game/holdfast/internal/devstack"
)

func connect(t *testing.T, stack *devstack.Stack) *nats.Conn {
	t.Helper()
	nc, err := stack.ConnectNATS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func flush(t *testing.T, nc *nats.Conn) {
	t.Helper()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, c prometheus.Metric) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

// listen subscribes and returns what arrives.
func listen(t *testing.T, b *Bus, topic string) (<-chan string, func()) {
	t.Helper()
	heard := make(chan string, 100)
	unsubscribe, err := b.Subscribe(topic, func(body []byte) { heard <- string(body) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unsubscribe)
	flush(t, b.nc)
	return heard, unsubscribe
}

func say(t *testing.T, b *Bus, topic, body string) {
	t.Helper()
	if err := b.Publish(topic, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, heard <-chan string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		select {
		case got := <-heard:
			if got != body {
				t.Errorf("heard %q, want %q", got, body)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q did not arrive", body)
		}
	}
}

func TestBus(t *testing.T) {
	stack := devstack.Test(t)
	speaker := New(connect(t, stack), "red")
	first, second := New(connect(t, stack), "red"), New(connect(t, stack), "red")
	stranger := New(connect(t, stack), "blue")

	a, endA := listen(t, first, "stock.sword")
	b, _ := listen(t, second, "stock.sword")
	other, _ := listen(t, first, "stock.shield")
	foreign, _ := listen(t, stranger, "stock.sword")

	say(t, speaker, "stock.sword", "1")
	say(t, speaker, "stock.sword", "2")
	want(t, a, "1", "2")
	want(t, b, "1", "2")

	endA()
	endA()
	say(t, speaker, "stock.sword", "3")
	say(t, speaker, "stock.shield", "4")
	want(t, b, "3")
	want(t, other, "4")
	if len(a)+len(b)+len(other)+len(foreign) != 0 {
		t.Errorf("left over: %d after unsubscribing, %d and %d too many, %d in another cluster", len(a), len(b), len(other), len(foreign))
	}
	if got := count(t, first.metrics.subscriptions); got != 1 {
		t.Errorf("%v subscriptions, want 1", got)
	}
}

// A handler that is slow loses broadcasts beyond the bound, and the loss shows.
func TestSlowHandler(t *testing.T) {
	stack := devstack.Test(t)
	bus := New(connect(t, stack), "red")
	gate, entered := make(chan struct{}), make(chan struct{}, 1)
	unsubscribe, err := bus.Subscribe("news", func([]byte) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-gate
	})
	if err != nil {
		t.Fatal(err)
	}
	say(t, bus, "news", "first")
	<-entered
	const extra = 10
	for range maxPendingMessages + extra {
		say(t, bus, "news", "x")
	}
	flush(t, bus.nc)
	unsubscribe()
	close(gate)
	if got := count(t, bus.metrics.dropped); got < extra-1 {
		t.Errorf("dropped %v, want about %d", got, extra)
	}
}

func TestTopics(t *testing.T) {
	bus := New(nil, "red")
	for _, topic := range []string{
		"", ".", ".a", "a.", "a..b", "a.*", "a.>", ">", "a b", "a\tb", "a\nb", "a\x7f", "a\x00", strings.Repeat("a", maxTopicBytes+1),
	} {
		if err := bus.Publish(topic, nil); !errors.Is(err, ErrTopic) {
			t.Errorf("Publish(%q): got %v, want ErrTopic", topic, err)
		}
		if _, err := bus.Subscribe(topic, nil); !errors.Is(err, ErrTopic) {
			t.Errorf("Subscribe(%q): got %v, want ErrTopic", topic, err)
		}
	}
	for _, topic := range []string{"a", "stock.sword", "stock.Größe-XL_1/2", strings.Repeat("a", maxTopicBytes)} {
		if err := checkTopic(topic); err != nil {
			t.Errorf("%q: %v", topic, err)
		}
	}
}

func TestClosedConnection(t *testing.T) {
	nc := connect(t, devstack.Test(t))
	bus := New(nc, "red")
	_, unsubscribe := listen(t, bus, "news")
	nc.Close()
	unsubscribe()
	if err := bus.Publish("news", nil); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Publish: got %v", err)
	}
	if _, err := bus.Subscribe("news", func([]byte) {}); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Subscribe: got %v", err)
	}
}
