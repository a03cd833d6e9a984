package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, h clienttest.Handler) *clienttest.Server {
	t.Helper()
	s := clienttest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, s *clienttest.Server, o client.Options) *client.Conn {
	t.Helper()
	if o.Token == "" && o.TokenSource == nil {
		o.Token = "ann"
	}
	if o.ReconnectMin == 0 {
		o.ReconnectMin, o.ReconnectMax = time.Millisecond, 10*time.Millisecond
	}
	c, err := client.Dial(t.Context(), s.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func buy(sku string) *clientv1.Buy { return &clientv1.Buy{Sku: sku, Quantity: 1} }

// answers has one canned answer for every kind of request.
func answers(_ *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	out := new(clientv1.ServerFrame)
	switch b := f.Body.(type) {
	case *clientv1.ClientFrame_Ping:
		out.Body = &clientv1.ServerFrame_Pong{Pong: &clientv1.Pong{ServerTime: timestamppb.New(time.Unix(7, 0))}}
	case *clientv1.ClientFrame_GetPlayer:
		out.Body = &clientv1.ServerFrame_Player{Player: &clientv1.Player{Id: "ann", Wallet: map[string]int64{"gold": 3}}}
	case *clientv1.ClientFrame_ListCatalog:
		out.Body = &clientv1.ServerFrame_Catalog{Catalog: &clientv1.Catalog{Version: 9, Products: []*clientv1.Product{{Sku: b.ListCatalog.Prefix + "1"}}}}
	case *clientv1.ClientFrame_Buy:
		out.Body = &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Order: &clientv1.Order{Request: b.Buy.Request, Sku: b.Buy.Sku}}}
	case *clientv1.ClientFrame_Watch:
		w := new(clientv1.Watching)
		for i, sku := range b.Watch.Skus {
			w.Levels = append(w.Levels, &clientv1.StockLevel{Sku: sku, Free: int64(i)})
		}
		out.Body = &clientv1.ServerFrame_Watching{Watching: w}
	case *clientv1.ClientFrame_Call:
		out.Body = &clientv1.ServerFrame_Result{Result: &clientv1.Result{Payload: append([]byte("re:"), b.Call.Payload...)}}
	}
	return out
}

func TestEveryRequestInBothSubprotocols(t *testing.T) {
	for _, sub := range []client.Subprotocol{client.Binary, client.JSON} {
		t.Run(string(sub), func(t *testing.T) {
			c := dial(t, serve(t, answers), client.Options{Subprotocol: sub})
			ctx := t.Context()

			now, err := c.Ping(ctx)
			if err != nil || now.Unix() != 7 {
				t.Errorf("Ping: got %v, %v, want second 7", now, err)
			}
			p, err := c.GetPlayer(ctx)
			if err != nil || p.Wallet["gold"] != 3 {
				t.Errorf("GetPlayer: got %v, %v, want 3 gold", p, err)
			}
			cat, err := c.ListCatalog(ctx, "sword-")
			if err != nil || len(cat.Products) != 1 || cat.Products[0].Sku != "sword-1" {
				t.Errorf("ListCatalog: got %v, %v, want sword-1", cat, err)
			}
			b, err := c.Buy(ctx, buy("sword"))
			if err != nil || b.Order.Sku != "sword" || b.Order.Request != 1 {
				t.Errorf("Buy: got %v, %v, want request 1 for a sword", b, err)
			}
			levels, err := c.Watch(ctx, "a", "b")
			if err != nil || len(levels) != 2 || levels[1].Free != 1 {
				t.Errorf("Watch: got %v, %v, want two levels", levels, err)
			}
			res, err := c.Call(ctx, &clientv1.Call{Kind: "guild", Id: "x", Method: "Get", Payload: []byte("q")})
			if err != nil || string(res) != "re:q" {
				t.Errorf("Call: got %q, %v, want re:q", res, err)
			}
			if got := c.Player(); got != "ann" {
				t.Errorf("Player: got %q, want ann", got)
			}
		})
	}
}

// Replies that overtake each other find their requests.
func TestRepliesMatchedBySeq(t *testing.T) {
	const n = 10
	var mu sync.Mutex
	var held []*clientv1.ServerFrame
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		mu.Lock()
		defer mu.Unlock()
		r := answers(c, f)
		r.Seq = f.Seq
		if held = append(held, r); len(held) == n {
			for i := n - 1; i >= 0; i-- { // the last one first
				_ = c.Send(held[i])
			}
		}
		return nil
	})
	c := dial(t, s, client.Options{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			sku := fmt.Sprint("sku", i)
			b, err := c.Buy(t.Context(), buy(sku))
			if err != nil || b.Order.Sku != sku {
				t.Errorf("Buy %s: got %v, %v", sku, b, err)
			}
		})
	}
	wg.Wait()
}

func TestRefusalIsTyped(t *testing.T) {
	s := serve(t, func(*clienttest.Session, *clientv1.ClientFrame) *clientv1.ServerFrame {
		f := clienttest.Refuse(clientv1.Code_CODE_OVERLOADED, "busy")
		f.GetError().RetryAfterMs = 250
		return f
	})
	_, err := dial(t, s, client.Options{}).Buy(t.Context(), buy("x"))
	var refused *client.Error
	if !errors.As(err, &refused) || refused.RetryAfter != 250*time.Millisecond || refused.Error() != "OVERLOADED: busy" {
		t.Fatalf("got %v, want OVERLOADED: busy, again in 250 ms", err)
	}
	if !errors.Is(err, &client.Error{Code: clientv1.Code_CODE_OVERLOADED}) || !client.Unsettled(client.CodeOf(err)) {
		t.Errorf("%v is not recognized by its code", err)
	}
}

// A connection cut before or after the server acted: the same request goes out
// again and buys once.
func TestReconnectSendsTheSameRequestAgain(t *testing.T) {
	for name, cut := range map[string]func(*clienttest.Shop, *clienttest.Session, *clientv1.ClientFrame){
		"before the server acts": func(*clienttest.Shop, *clienttest.Session, *clientv1.ClientFrame) {},
		"after the server acted": func(shop *clienttest.Shop, c *clienttest.Session, f *clientv1.ClientFrame) { shop.Handle(c, f) },
	} {
		t.Run(name, func(t *testing.T) {
			shop := clienttest.NewShop(map[string]int64{"sword": 10})
			s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
				if c.Number <= 3 {
					cut(shop, c, f)
					c.Drop()
					return nil
				}
				return shop.Handle(c, f)
			})
			c := dial(t, s, client.Options{})
			b, err := c.Buy(t.Context(), buy("sword"))
			if err != nil {
				t.Fatal(err)
			}
			if sold := shop.Sold(); len(sold) != 1 || sold[0].Id != b.Order.Id || shop.Left("sword") != 9 {
				t.Errorf("got orders %v and %d left, want %s alone and 9", sold, shop.Left("sword"), b.Order.Id)
			}
		})
	}
}

// A drop while many requests wait: all of them are answered, none twice.
func TestReconnectUnderLoad(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 1 << 40})
	var frames atomic.Int64
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		r := shop.Handle(c, f)
		if frames.Add(1)%37 == 0 {
			c.Drop()
		}
		return r
	})
	c := dial(t, s, client.Options{MaxInFlight: 8})
	const buyers, each = 16, 25
	var wg sync.WaitGroup
	for range buyers {
		wg.Go(func() {
			for range each {
				if _, err := c.Buy(t.Context(), buy("sword")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := len(shop.Sold()); got != buyers*each {
		t.Errorf("got %d orders, want %d", got, buyers*each)
	}
}

func TestContextEndsTheWaitAndTheSameBuyTellsTheOutcome(t *testing.T) {
	shop := clienttest.NewShop(map[string]int64{"sword": 10})
	var silent atomic.Bool
	silent.Store(true)
	acted := make(chan struct{}, 1)
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		r := shop.Handle(c, f)
		if silent.Load() {
			acted <- struct{}{}
			return nil
		}
		return r
	})
	c := dial(t, s, client.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-acted; cancel() }()
	b := buy("sword")
	if _, err := c.Buy(ctx, b); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want canceled", err)
	}
	silent.Store(false)
	got, err := c.Buy(t.Context(), b)
	if err != nil || got.Order.Request != b.Request || len(shop.Sold()) != 1 {
		t.Errorf("got %v, %v and %d orders, want the one order of request %d", got, err, len(shop.Sold()), b.Request)
	}
}

// The requests in flight are bounded by the lower of both limits.
func TestInFlightBound(t *testing.T) {
	var waiting, most atomic.Int64
	release := make(chan struct{})
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		most.Store(max(most.Load(), waiting.Add(1)))
		go func() {
			<-release
			waiting.Add(-1)
			r := answers(c, f)
			r.Seq = f.Seq
			_ = c.Send(r)
		}()
		return nil
	})
	s.Welcome = func(w *clientv1.Welcome) { w.Limits = &clientv1.Limits{MaxInFlight: 3} }
	c := dial(t, s, client.Options{MaxInFlight: 10})
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := c.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	for range 12 {
		release <- struct{}{}
	}
	wg.Wait()
	if got := most.Load(); got > 3 {
		t.Errorf("got %d requests in flight, want 3 at most", got)
	}
}

func TestWatchSurvivesReconnect(t *testing.T) {
	s := serve(t, answers)
	c := dial(t, s, client.Options{})
	if _, err := c.Watch(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	s.DropAll()
	for _, want := range []string{"a", "b"} {
		select {
		case e := <-c.Events():
			if e.Stock.GetSku() != want {
				t.Errorf("got event %v, want a level of %s", e, want)
			}
		case <-t.Context().Done():
			t.Fatal("no event after the reconnect")
		}
	}
}

func TestEventsAreBoundedAndTheNewestStay(t *testing.T) {
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		for i := range 10 {
			_ = c.Send(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Stock{Stock: &clientv1.StockLevel{Free: int64(i)}}})
		}
		return answers(c, f)
	})
	c := dial(t, s, client.Options{EventBuffer: 3})
	if _, err := c.Ping(t.Context()); err != nil { // answered behind the events
		t.Fatal(err)
	}
	for want := int64(7); want < 10; want++ {
		if e := <-c.Events(); e.Stock.Free != want {
			t.Errorf("got event %v, want level %d", e, want)
		}
	}
	if got := c.DroppedEvents(); got != 7 {
		t.Errorf("got %d dropped events, want 7", got)
	}
}

func TestClose(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := serve(t, func(*clienttest.Session, *clientv1.ClientFrame) *clientv1.ServerFrame {
		asked <- struct{}{}
		return nil
	})
	c := dial(t, s, client.Options{})
	failed := make(chan error, 1)
	go func() {
		_, err := c.Buy(t.Context(), buy("x"))
		failed <- err
	}()
	<-asked
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, client.ErrClosed) {
		t.Errorf("request in flight: got %v, want %v", err, client.ErrClosed)
	}
	if _, err := c.Ping(t.Context()); !errors.Is(err, client.ErrClosed) {
		t.Errorf("request after Close: got %v, want %v", err, client.ErrClosed)
	}
}

// A server that is silent for three of its own ping intervals is taken for
// dead; one that answers is not, pings or no pings.
func TestSilentServerIsLeft(t *testing.T) {
	const interval = 30 * time.Millisecond
	var silent atomic.Bool
	var connections atomic.Int64
	s := serve(t, func(c *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		connections.Store(int64(c.Number))
		if silent.Load() && c.Number == 1 {
			return nil
		}
		return answers(c, f)
	})
	s.Welcome = func(w *clientv1.Welcome) {
		w.Limits = &clientv1.Limits{PingIntervalMs: uint32(interval / time.Millisecond)}
	}
	c := dial(t, s, client.Options{})
	for began := time.Now(); time.Since(began) < 6*interval; {
		if _, err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("a server that answers was left: got connection %d, want the first", got)
	}
	silent.Store(true)
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := connections.Load(); got != 2 {
		t.Errorf("got the answer on connection %d, want the second", got)
	}
}

func TestNoReconnect(t *testing.T) {
	s := serve(t, func(c *clienttest.Session, _ *clientv1.ClientFrame) *clientv1.ServerFrame {
		c.Drop()
		return nil
	})
	c := dial(t, s, client.Options{NoReconnect: true})
	if _, err := c.Ping(t.Context()); !errors.Is(err, client.ErrDisconnected) {
		t.Errorf("got %v, want %v", err, client.ErrDisconnected)
	}
}

// A token that is refused on the way back ends the Conn: no reconnect storm.
func TestRefusedTokenEndsReconnecting(t *testing.T) {
	s := serve(t, answers)
	var asked atomic.Int64
	s.Identify = func(token string) (string, bool) { return "ann", token == "1" }
	c := dial(t, s, client.Options{TokenSource: func(context.Context) (string, error) {
		return fmt.Sprint(asked.Add(1)), nil
	}})
	s.DropAll()
	<-c.Done()
	if got := client.CodeOf(c.Err()); got != clientv1.Code_CODE_UNAUTHENTICATED {
		t.Errorf("got %v, want UNAUTHENTICATED", c.Err())
	}
}

func TestDialErrors(t *testing.T) {
	s := serve(t, answers)
	s.Identify = func(token string) (string, bool) { return "", false }
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	ws := func(s *httptest.Server) string { return "ws" + strings.TrimPrefix(s.URL, "http") }
	for name, tc := range map[string]struct {
		url  string
		opts client.Options
		want string
	}{
		"no token":        {s.URL, client.Options{}, "Token: neither Token nor TokenSource is set"},
		"subprotocol":     {s.URL, client.Options{Token: "x", Subprotocol: "v0"}, "Subprotocol"},
		"forged token":    {s.URL, client.Options{Token: "x"}, "UNAUTHENTICATED: no such token"},
		"not a websocket": {ws(plain), client.Options{Token: "x"}, "answered 404 Not Found"},
		"silent server":   {ws(silent), client.Options{Token: "x", DialTimeout: 20 * time.Millisecond}, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Dial(t.Context(), tc.url, tc.opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}
