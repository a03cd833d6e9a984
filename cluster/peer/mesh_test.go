package peer

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a mesh whose handlers put everything into channels.
type node struct {
	*Mesh
	address  cluster.Address
	commands chan *cluster.Command
	answers  chan *cluster.Answer
	messages chan *cluster.Message
	handoffs chan *clusterv1.Handoff
}

func newNode(t testing.TB, cfg Config) *node {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{
		Mesh:     m,
		commands: make(chan *cluster.Command, 1<<16),
		answers:  make(chan *cluster.Answer, 1<<16),
		messages: make(chan *cluster.Message, 1<<16),
		handoffs: make(chan *clusterv1.Handoff, 1<<16),
	}
	m.HandleCommands(func(c *cluster.Command) { n.commands <- c })
	m.HandleAnswers(func(a *cluster.Answer) { n.answers <- a })
	m.HandleMessages(func(msg *cluster.Message) { n.messages <- msg })
	m.HandleHandoffs(func(h *clusterv1.Handoff) { n.handoffs <- h })
	n.start(t)
	t.Cleanup(func() { n.stop(t) })
	return n
}

func (n *node) start(t testing.TB) {
	t.Helper()
	address, err := n.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	n.address = address
}

func (n *node) stop(t testing.TB) {
	t.Helper()
	began := time.Now()
	if err := n.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Stop took %s", took)
	}
}

// next waits for what comes out of a channel.
func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing arrived")
		panic("unreachable")
	}
}

func command(call uint64, payload string) *cluster.Command {
	return &cluster.Command{
		Call: call, Shard: 3, To: cluster.ActorID{Kind: "player", ID: "ann"}, Caller: cluster.Caller{Player: "ann"},
		Request: 9, Method: "Buy", Payload: []byte(payload), Traceparent: "00-01-02-03",
	}
}

// value reads a counter or gauge.
func value(t testing.TB, c prometheus.Metric) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

func TestCommandThereAndAnswerBack(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	sent := command(7, "x")
	a.SendCommand(b.address, sent)
	got := next(t, b.commands)
	want := *sent
	want.ReplyTo = a.address
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if sent.ReplyTo != "" {
		t.Error("the sender's command was changed")
	}
	b.SendAnswer(got.ReplyTo, &cluster.Answer{Call: got.Call, Body: &clientv1.Bought{Balance: 5}})
	answer := next(t, a.answers)
	var bought clientv1.Bought
	if err := proto.Unmarshal(answer.Payload, &bought); err != nil || answer.Call != 7 || bought.GetBalance() != 5 {
		t.Errorf("got %+v, %v", answer, err)
	}
}

// A command that is forwarded keeps the address that its answer goes to.
func TestReplyToIsKept(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	c := command(1, "")
	c.ReplyTo = "10.0.0.9:4000"
	a.SendCommand(b.address, c)
	if got := next(t, b.commands); got.ReplyTo != c.ReplyTo {
		t.Errorf("got %q, want %q", got.ReplyTo, c.ReplyTo)
	}
}

func TestMessage(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	a.SendMessage(b.address, &cluster.Message{
		Shard: 5, From: cluster.ActorID{Kind: "player", ID: "ann"}, To: cluster.ActorID{Kind: "stock", ID: "sword/0"},
		Body: &clientv1.Item{Sku: "sword", Quantity: 2},
	})
	got := next(t, b.messages)
	if got.Shard != 5 || got.From.ID != "ann" || got.To.ID != "sword/0" || !proto.Equal(got.Body, &clientv1.Item{Sku: "sword", Quantity: 2}) {
		t.Errorf("got %+v", got)
	}
}

// What stays on the node is handed over as it is.
func TestLocalIsADirectCall(t *testing.T) {
	m, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var gotC *cluster.Command
	var gotA *cluster.Answer
	var gotM *cluster.Message
	m.HandleCommands(func(c *cluster.Command) { gotC = c })
	m.HandleAnswers(func(a *cluster.Answer) { gotA = a })
	m.HandleMessages(func(msg *cluster.Message) { gotM = msg })
	self, err := m.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(context.Background()) // never an error

	c, a, msg := command(1, ""), &cluster.Answer{}, &cluster.Message{}
	for _, to := range []cluster.Address{self, ""} {
		gotC, gotA, gotM = nil, nil, nil
		allocs := testing.AllocsPerRun(100, func() {
			m.SendCommand(to, c)
			m.SendAnswer(to, a)
			m.SendMessage(to, msg)
		})
		if gotC != c || gotA != a || gotM != msg {
			t.Errorf("to %q: not the same objects arrived", to)
		}
		if allocs != 0 {
			t.Errorf("to %q: %v allocations", to, allocs)
		}
	}
}

func TestStart(t *testing.T) {
	n := newNode(t, Config{})
	if _, err := n.Start(context.Background()); !errors.Is(err, ErrStarted) {
		t.Errorf("second Start: got %v, want ErrStarted", err)
	}
	other, err := New(Config{Listen: string(n.address)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Start(context.Background()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start at a taken port: got %v, want EADDRINUSE", err)
	}

	system := n.System()
	if got := system.Address(); got != string(n.address) {
		t.Errorf("the system's address is %q, want %q", got, n.address)
	}
	n.stop(t)
	if n.System() != nil || n.Address() != "" {
		t.Error("a stopped mesh still has a system")
	}
	n.SendCommand("127.0.0.1:1", command(1, ""))
	if got := value(t, n.cfg.Metrics.dropped.WithLabelValues(dropStopped)); got != 1 {
		t.Errorf("dropped while stopped: got %v, want 1", got)
	}
	n.start(t)
	if n.System() == system {
		t.Error("the second incarnation has the first one's system")
	}
}

func TestStopSendsWhatIsQueued(t *testing.T) {
	const items = 2_000
	a, b := newNode(t, Config{}), newNode(t, Config{})
	a.flushTimeout = time.Minute // Stop must not need it
	for i := range items {
		a.SendCommand(b.address, command(uint64(i), "x"))
	}
	a.stop(t)
	for i := range items {
		if got := next(t, b.commands); got.Call != uint64(i) {
			t.Fatalf("item %d: got call %d", i, got.Call)
		}
	}
}

// A peer that cannot be reached does not hold Stop up.
func TestStopGivesUpOnDeadPeers(t *testing.T) {
	a := newNode(t, Config{})
	a.SendCommand(silent(t), command(1, "x"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a.flushTimeout = time.Minute
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
	if got := value(t, a.cfg.Metrics.dropped.WithLabelValues(dropStopped)); got != 1 {
		t.Errorf("dropped: got %v, want 1", got)
	}
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		listen, advertise string
		want              string // what the error must name; "" for none
	}{
		{"127.0.0.1:0", "", ""},
		{"0.0.0.0:7000", "10.0.0.1", ""},
		{":0", "10.0.0.1:7000", ""},
		{"[::1]:0", "", ""},
		{":7000", "", "Advertise"},
		{"0.0.0.0:7000", "", "Advertise"},
		{"[::]:7000", "", "Advertise"},
		{"0.0.0.0:7000", "0.0.0.0:7000", "Advertise"},
		{"127.0.0.1:0", ":7000", "Advertise"},
		{"localhost", "", "Listen"},
	} {
		_, err := New(Config{Listen: tc.listen, Advertise: tc.advertise})
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%q, %q: got %v, want an error about %q", tc.listen, tc.advertise, err, tc.want)
		}
	}
}

func TestAdvertised(t *testing.T) {
	listens := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}
	for advertise, want := range map[string]cluster.Address{
		"":            "127.0.0.1:4711",
		"node-1":      "node-1:4711",
		"node-1:0":    "node-1:4711",
		"node-1:7000": "node-1:7000",
	} {
		if got := advertised(Config{Advertise: advertise}, listens); got != want {
			t.Errorf("%q: got %q, want %q", advertise, got, want)
		}
	}
}

func TestHandoff(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	sent := &clusterv1.Handoff{Move: 3, Shard: 7, Incarnation: "a-1", To: "b-2", Body: &clusterv1.Handoff_Final_{Final: &clusterv1.Handoff_Final{To: 9, StateHash: 5}}}
	a.SendHandoff(b.address, sent)
	if got := next(t, b.handoffs); !proto.Equal(got, sent) {
		t.Errorf("got %v, want %v", got, sent)
	}
	a.SendHandoff(a.address, sent)
	if got := next(t, a.handoffs); got != sent {
		t.Errorf("got %v from itself, want the very message", got)
	}
}
