package client_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func dialLane(t *testing.T, s *clienttest.Server) *client.Lane {
	t.Helper()
	l, err := client.DialLane(t.Context(), s.URL, client.Options{Token: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestLaneBuys(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 1})
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		// A pushed event comes between, and is skipped.
		_ = c.Send(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Stock{Stock: &clientv1.StockLevel{Free: 1}}})
		return shop.Handle(c, f)
	})
	l := dialLane(t, s)
	r, err := l.Buy(1, "sword", 1, 0)
	if err != nil || !r.Bought || string(r.OrderID) != "ann/1" || r.State != clientv1.OrderState_ORDER_STATE_GRANTED {
		t.Errorf("got %+v, %v, want order ann/1", r, err)
	}
	r, err = l.Buy(2, "sword", 1, 0)
	if err != nil || !r.Refused || r.Code != clientv1.Code_CODE_SOLD_OUT {
		t.Errorf("got %+v, %v, want SOLD_OUT", r, err)
	}
}

func TestLaneRedialResolvesAnUnknownOutcome(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 2})
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		r := shop.Handle(c, f)
		if c.Number == 1 {
			c.Drop()
		}
		return r
	})
	l := dialLane(t, s)
	if _, err := l.Buy(1, "sword", 1, 0); err == nil {
		t.Fatal("a purchase on a cut connection was answered")
	}
	if err := l.Redial(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := l.Buy(1, "sword", 1, 0)
	if err != nil || string(r.OrderID) != "ann/1" || shop.Left("sword") != 1 {
		t.Errorf("got %+v, %v, %d left, want order ann/1 and 1 left", r, err, shop.Left("sword"))
	}
}

func TestLaneGoesToAnotherGateway(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 2})
	first, second := serve(t, shop.Handle), serve(t, shop.Handle)
	l, err := client.DialLane(t.Context(), first.URL+","+second.URL, client.Options{Token: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Buy(1, "sword", 1, 0); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if err := l.Redial(t.Context()); err != nil {
		t.Fatalf("redial with the first gateway gone: %v", err)
	}
	r, err := l.Buy(1, "sword", 1, 0)
	if err != nil || string(r.OrderID) != "ann/1" || shop.Left("sword") != 1 {
		t.Errorf("got %+v, %v, %d left, want order ann/1 and 1 left", r, err, shop.Left("sword"))
	}
}

// The deadline of the greeting must not end the connection later.
func TestLaneOutlivesTheDeadlineOfItsHello(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 2})
	const timeout = 100 * time.Millisecond
	l, err := client.DialLane(t.Context(), serve(t, shop.Handle).URL, client.Options{Token: "ann", WriteTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	<-time.After(2 * timeout) // it is the passing of real time that did it
	if _, err := l.Buy(1, "sword", 1, 0); err != nil {
		t.Errorf("after the greeting's deadline: %v", err)
	}
}

func TestLaneStaysClosed(t *testing.T) {
	l := dialLane(t, serve(t, answers))
	_ = l.Close()
	if err := l.Redial(t.Context()); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Redial after Close: got %v, want %v", err, client.ErrClosed)
	}
	if _, err := l.Buy(1, "x", 1, 0); err == nil {
		t.Error("Buy after Close was answered")
	}
}

func BenchmarkLaneBuy(b *testing.B) {
	shop := func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame { return answers(c, f) }
	s := clienttest.NewServer(shop)
	defer s.Close()
	l, err := client.DialLane(b.Context(), s.URL, client.Options{Token: "ann"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n++ {
		if _, err := l.Buy(n, "sword", 1, 0); err != nil {
			b.Fatal(err)
		}
	}
}
