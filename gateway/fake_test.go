package gateway_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
	"github.com/holdfast-game/holdfast/gateway/auth"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// secret signs the tokens of these tests.
var secret = []byte("a secret of thirty-two bytes, and more")

func token(t testing.TB, player string) string {
	t.Helper()
	tok, err := auth.Mint(secret, auth.Grant{Player: player, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// fakeRouter answers commands by itself. What it has no answer for waits.
type fakeRouter struct {
	// answer returns nil to keep the command waiting. Set before use.
	answer func(cmd *cluster.Command) *cluster.Answer

	mu      sync.Mutex
	waiting []waiting
	asked   chan *cluster.Command // of those that wait
}

type waiting struct {
	cmd *cluster.Command
	w   gateway.Waiter
}

func newFakeRouter() *fakeRouter {
	return &fakeRouter{answer: answerAtOnce, asked: make(chan *cluster.Command, 1024)}
}

func (r *fakeRouter) Do(cmd *cluster.Command, w gateway.Waiter) {
	if a := r.answer(cmd); a != nil {
		w.Answered(a)
		return
	}
	r.mu.Lock()
	r.waiting = append(r.waiting, waiting{cmd, w})
	r.mu.Unlock()
	r.asked <- cmd
}

// answerAll answers what waits, in order.
func (r *fakeRouter) answerAll(answer func(cmd *cluster.Command) *cluster.Answer) {
	r.mu.Lock()
	all := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, one := range all {
		one.w.Answered(answer(one.cmd))
	}
}

// answerAtOnce is a shop where everything is always there.
func answerAtOnce(cmd *cluster.Command) *cluster.Answer {
	switch cmd.To.Kind + "." + cmd.Method {
	case "player.Attach":
		return &cluster.Answer{Body: &clusterv1.Attached{NextRequest: 7}}
	case "player.Get":
		return &cluster.Answer{Body: &clientv1.Player{Id: cmd.To.ID, Wallet: map[string]int64{"gold": 5}}}
	case "player.Buy":
		return &cluster.Answer{Body: bought(cmd)}
	case "stock.Level":
		return &cluster.Answer{Body: &clusterv1.StockSlice{Free: 50, Low: 10}}
	}
	return &cluster.Answer{Code: clientv1.Code_CODE_NOT_FOUND, Text: "no such method"}
}

func bought(cmd *cluster.Command) *clientv1.Bought {
	b := cmd.Body.(*clientv1.Buy)
	return &clientv1.Bought{Balance: 90, Order: &clientv1.Order{
		Id: cmd.To.ID, Request: cmd.Request, Sku: b.GetSku(), Quantity: b.GetQuantity(),
		State: clientv1.OrderState_ORDER_STATE_GRANTED,
	}}
}

// fakeCatalog is a Catalog of one version.
type fakeCatalog map[string]*clusterv1.Product

func (c fakeCatalog) Version() int64 { return 1 }

func (c fakeCatalog) Product(sku string) (*clusterv1.Product, bool) {
	p, ok := c[sku]
	return p, ok
}

func (c fakeCatalog) Range(prefix string) iter.Seq[*clusterv1.Product] {
	return func(yield func(*clusterv1.Product) bool) {
		for _, sku := range slices.Sorted(maps.Keys(c)) {
			if strings.HasPrefix(sku, prefix) && !yield(c[sku]) {
				return
			}
		}
	}
}

// fakeBus delivers at once.
type fakeBus struct {
	mu   sync.Mutex
	subs map[string][]*func([]byte)
	fail bool
	// changed is told of each subscription, and each end of one.
	changed chan string
}

func newFakeBus() *fakeBus {
	return &fakeBus{subs: make(map[string][]*func([]byte)), changed: make(chan string, 1024)}
}

func (b *fakeBus) Subscribe(topic string, fn func([]byte)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return nil, errors.New("bus is down")
	}
	b.subs[topic] = append(b.subs[topic], &fn)
	b.changed <- "+" + topic
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subs[topic] = slices.DeleteFunc(b.subs[topic], func(f *func([]byte)) bool { return f == &fn })
		b.changed <- "-" + topic
	}, nil
}

func (b *fakeBus) publish(t testing.TB, s *clusterv1.StockSlice) {
	t.Helper()
	body, err := proto.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	subs := slices.Clone(b.subs["stock."+s.GetSku()])
	b.mu.Unlock()
	for _, fn := range subs {
		(*fn)(body)
	}
}

// house is a gateway with its fakes.
type house struct {
	*gateway.Gateway
	router  *fakeRouter
	bus     *fakeBus
	catalog fakeCatalog
	addr    string
	served  chan error
	metrics *prometheus.Registry
	figures *gateway.Metrics
	world   *fakeWorld
	// recorder is told of frames. nil: nobody is.
	recorder gateway.Recorder
	// wrap goes around each accepted connection. nil: nothing does.
	wrap func(*net.TCPConn) net.Conn
}

// wrapping is a listener whose connections are wrapped.
type wrapping struct {
	net.Listener
	wrap func(*net.TCPConn) net.Conn
}

func (l wrapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(c.(*net.TCPConn)), nil
}

// count is the value of a counter or gauge, of those with that label value when
// one is given.
func (h *house) count(t testing.TB, name, label string) float64 {
	t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "holdfast_gateway_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || m.GetLabel()[0].GetValue() == label {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// open starts a gateway without rate limit on a port of its own.
func open(t testing.TB, change func(c *gateway.Config, h *house)) *house {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.RequestsPerSecond = 0
	h := &house{
		router:  newFakeRouter(),
		bus:     newFakeBus(),
		catalog: fakeCatalog{"sword": {Sku: "sword", Title: "A sword", Price: 10, Currency: "gold", Slices: 2, LowStock: 10}},
		served:  make(chan error, 1),
		metrics: prometheus.NewRegistry(),
		world:   new(fakeWorld),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	if change != nil {
		change(&cfg, h)
	}
	if h.wrap != nil {
		ln = wrapping{ln, h.wrap}
	}
	verifier, err := auth.New(auth.Config{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	h.figures = gateway.NewMetrics(h.metrics)
	h.Gateway, err = gateway.New(cfg, gateway.Deps{
		Router:   h.router,
		Catalog:  func() gateway.Catalog { return h.catalog },
		Bus:      h.bus,
		Auth:     verifier,
		World:    h.world,
		Metrics:  h.figures,
		Recorder: h.recorder,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { h.served <- h.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		h.Close()
		if err := <-h.served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return h
}

// wsClient is a client that says exactly what it is told to.
type wsClient struct {
	t    testing.TB
	ws   *websocket.Conn
	json bool
}

func (h *house) url() string { return "ws://" + h.addr + gateway.Path }

// connect upgrades, and says nothing.
func (h *house) connect(t testing.TB, subprotocol string) *wsClient {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{subprotocol}}
	ws, resp, err := d.Dial(h.url(), nil)
	if err != nil {
		t.Fatalf("dial: %v (%+v)", err, resp)
	}
	t.Cleanup(func() { _ = ws.Close() })
	// Longer than any test waits for something that comes.
	_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	return &wsClient{t: t, ws: ws, json: subprotocol == gateway.SubprotocolJSON}
}

// greeted is a client that was welcomed.
func (h *house) greeted(t testing.TB, subprotocol, player string) *wsClient {
	t.Helper()
	c := h.connect(t, subprotocol)
	f := c.hello(token(t, player))
	if f.GetWelcome() == nil {
		t.Fatalf("Hello answered by %v", f)
	}
	return c
}

func (c *wsClient) hello(token string) *clientv1.ServerFrame {
	c.t.Helper()
	return c.ask(&clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: token}}})
}

func (c *wsClient) send(f *clientv1.ClientFrame) {
	c.t.Helper()
	var err error
	var data []byte
	kind := websocket.BinaryMessage
	if c.json {
		kind = websocket.TextMessage
		data, err = protojson.Marshal(f)
	} else {
		data, err = proto.Marshal(f)
	}
	if err == nil {
		err = c.ws.WriteMessage(kind, data)
	}
	if err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *wsClient) receive() *clientv1.ServerFrame {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	return f
}

func (c *wsClient) next() (*clientv1.ServerFrame, error) {
	kind, data, err := c.ws.ReadMessage()
	if err != nil {
		return nil, err
	}
	f := new(clientv1.ServerFrame)
	if kind == websocket.TextMessage {
		return f, protojson.Unmarshal(data, f)
	}
	return f, proto.Unmarshal(data, f)
}

func (c *wsClient) ask(f *clientv1.ClientFrame) *clientv1.ServerFrame {
	c.t.Helper()
	c.send(f)
	return c.receive()
}

// closed expects the connection to end with this close code, hangs up, and
// returns the frames that came before.
func (c *wsClient) closed(code int) (before []*clientv1.ServerFrame) {
	c.t.Helper()
	for {
		f, err := c.next()
		if err == nil {
			before = append(before, f)
			continue
		}
		if !websocket.IsCloseError(err, code) {
			c.t.Fatalf("connection ended with %v, want close code %d; before it %v", err, code, before)
		}
		_ = c.ws.Close()
		return before
	}
}

func wantError(t testing.TB, f *clientv1.ServerFrame, seq uint64, code clientv1.Code) *clientv1.Error {
	t.Helper()
	if f.GetError().GetCode() != code || f.GetSeq() != seq {
		t.Fatalf("got %v, want %v for seq %d", f, code, seq)
	}
	return f.GetError()
}

func ping(seq uint64) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}}
}

func buy(seq, request uint64, sku string, quantity int64) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Buy{
		Buy: &clientv1.Buy{Request: request, Sku: sku, Quantity: quantity},
	}}
}

func watch(seq uint64, skus ...string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Watch{Watch: &clientv1.Watch{Skus: skus}}}
}

func call(seq uint64, c *clientv1.Call) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Call{Call: c}}
}

var subprotocols = []string{gateway.SubprotocolProto, gateway.SubprotocolJSON}

func product(sku string) *clusterv1.Product {
	return &clusterv1.Product{Sku: sku, Title: strings.ToUpper(sku), Price: 10, Currency: "gold", Slices: 1}
}
