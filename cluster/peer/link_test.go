package peer

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// silent listens and says nothing, as a paused process does.
func silent(t testing.TB) cluster.Address {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lis.Close() })
	return cluster.Address(lis.Addr().String())
}

// eventually asks until the answer is yes, where there is no event to wait for.
func eventually(t testing.TB, yes func() bool) {
	t.Helper()
	again, end := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer again.Stop()
	for !yes() {
		select {
		case <-again.C:
		case <-end:
			t.Fatal("it did not happen")
		}
	}
}

// until sends with send, again and again, until something comes out of ch. It
// is how everything that uses a mesh behaves.
func until[T any](t testing.TB, ch <-chan T, send func()) time.Duration {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		send()
		select {
		case <-ch:
			return time.Since(began)
		case <-again.C:
			if time.Since(began) > 10*time.Second {
				t.Fatal("nothing arrived")
			}
		}
	}
}

// Bursts larger than gRPC's default limit arrive whole and in order.
func TestBursts(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	call := uint64(0)
	for _, size := range []int{3 << 20, 100_000, 100_000, 1_000_000, 6 << 20, 10, 500_000, 3 << 20} {
		for range 3 {
			call++
			a.SendCommand(b.address, command(call, strings.Repeat("x", size)))
		}
	}
	for want := uint64(1); want <= call; want++ {
		if got := next(t, b.commands); got.Call != want {
			t.Fatalf("got call %d, want %d", got.Call, want)
		}
	}
	if got := value(t, a.cfg.Metrics.broken); got != 0 {
		t.Errorf("%v streams broke", got)
	}
}

func TestTooLarge(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	a.SendCommand(b.address, command(1, strings.Repeat("x", maxItemBytes)))
	if got := value(t, a.cfg.Metrics.dropped.WithLabelValues(dropTooLarge)); got != 1 {
		t.Errorf("dropped as too large: got %v, want 1", got)
	}
	// The caller must learn that there is no answer.
	a.SendAnswer(b.address, &cluster.Answer{Call: 2, Payload: make([]byte, maxItemBytes)})
	if got := next(t, b.answers); got.Call != 2 || got.Code != clientv1.Code_CODE_INTERNAL {
		t.Errorf("got %+v", got)
	}
}

// A peer that does not read costs its queue, nothing else: what is past the
// bound is dropped and counted, other peers do not notice.
func TestOverflow(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	dead := silent(t)
	const extra = 100
	for i := range maxQueuedItems + extra {
		a.SendCommand(dead, command(uint64(i), "x"))
	}
	if got := value(t, a.cfg.Metrics.dropped.WithLabelValues(dropFull)); got != extra {
		t.Errorf("dropped: got %v, want %v", got, extra)
	}
	a.SendCommand(b.address, command(1, "x"))
	next(t, b.commands)
}

// A peer that reads slowly is bounded in bytes as well, and gets the rest once
// it reads again.
func TestSlowPeer(t *testing.T) {
	a := newNode(t, Config{})
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	gate, arrived := make(chan struct{}), make(chan uint64, 1<<16)
	b.HandleCommands(func(c *cluster.Command) { <-gate; arrived <- c.Call })
	to, err := b.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop(context.Background()) // never an error

	full := a.cfg.Metrics.dropped.WithLabelValues(dropFull)
	payload, sent := strings.Repeat("x", 256<<10), uint64(0)
	for value(t, full) == 0 {
		sent++
		a.SendCommand(to, command(sent, payload))
		if sent > 10_000 {
			t.Fatal("2.5 GB were queued for a peer that does not read")
		}
	}
	close(gate)
	for want := uint64(1); want < sent; want++ {
		if got := next(t, arrived); got != want {
			t.Fatalf("got call %d, want %d", got, want)
		}
	}
}

func TestPeerReplaced(t *testing.T) {
	t.Run("at another address", func(t *testing.T) {
		a, b := newNode(t, Config{}), newNode(t, Config{})
		until(t, b.commands, func() { a.SendCommand(b.address, command(1, "")) })
		old := b.address
		b.stop(t)
		b.start(t)
		a.SendCommand(old, command(2, ""))
		took := until(t, b.commands, func() { a.SendCommand(b.address, command(3, "")) })
		if took > time.Second {
			t.Errorf("took %s", took)
		}
	})
	t.Run("at the same address", func(t *testing.T) {
		a, b := newNode(t, Config{}), newNode(t, Config{})
		until(t, b.commands, func() { a.SendCommand(b.address, command(1, "")) })
		b.stop(t)
		// Sent while nobody listens, so that reconnecting has begun.
		eventually(t, func() bool {
			a.SendCommand(b.address, command(2, ""))
			return value(t, a.cfg.Metrics.broken) > 0
		})
		b.cfg.Listen = string(b.address)
		b.start(t)
		took := until(t, b.commands, func() { a.SendCommand(b.address, command(3, "")) })
		if took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// A peer that was away for longer than anybody waits is not greeted by what was
// sent meanwhile.
func TestStaleItemsAreReplaced(t *testing.T) {
	a := newNode(t, Config{})
	dead := silent(t)
	a.SendCommand(dead, command(1, ""))
	l := a.current.Load().link(dead)
	l.cleared.Add(-int64(staleAfter)) // a second passes
	a.SendCommand(dead, command(2, ""))
	if got := l.queue.take(nil); len(got) != 1 {
		t.Errorf("%d items are queued, want the new one", len(got))
	}
	if got := value(t, a.cfg.Metrics.dropped.WithLabelValues(dropStale)); got != 1 {
		t.Errorf("dropped as stale: got %v, want 1", got)
	}
}

// Links to addresses that nobody sends to any more go away, and come back.
func TestIdleLinkEnds(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	a.idleAfter = 10 * time.Millisecond
	for i := range uint64(3) {
		a.SendCommand(b.address, command(i, ""))
		if got := next(t, b.commands); got.Call != i {
			t.Fatalf("got call %d, want %d", got.Call, i)
		}
		in := a.current.Load()
		in.mu.RLock()
		l := in.links[b.address]
		in.mu.RUnlock()
		if l != nil {
			next(t, l.ended)
		}
	}
	if got := value(t, a.cfg.Metrics.links); got != 0 {
		t.Errorf("%v links are left", got)
	}
	if got := value(t, a.cfg.Metrics.broken); got != 0 {
		t.Errorf("%v streams broke", got)
	}
}

func TestEnvelopeEncoding(t *testing.T) {
	one, err := encodeCommand(command(1, "x"), "here:1")
	if err != nil {
		t.Fatal(err)
	}
	two, err := encodeAnswer(&cluster.Answer{Call: 2, NotOwner: true, Owner: cluster.Route{Node: "n", Incarnation: "n-1", Address: "a:1", Epoch: 4}})
	if err != nil {
		t.Fatal(err)
	}
	var env clusterv1.Envelope
	if err := proto.Unmarshal(appendEnvelope(nil, [][]byte{one, two}), &env); err != nil {
		t.Fatal(err)
	}
	if env.GetVersion() != protocolVersion || len(env.GetItems()) != 2 {
		t.Fatalf("got %v", &env)
	}
	got := decodeAnswer(env.GetItems()[1].GetAnswer())
	if got.Call != 2 || !got.NotOwner || got.Owner != (cluster.Route{Node: "n", Incarnation: "n-1", Address: "a:1", Epoch: 4}) {
		t.Errorf("got %+v", got)
	}
}
