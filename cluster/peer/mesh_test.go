package peer

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-game/holdfast/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a mesh whose handlers put everything into channels.
type node struct {
	*Mesh
	address  cluster.Address
	commands chan *cluster.Command
	answers  chan *cluster.Answer
	messages chan *cluster.Message
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
	}
	m.HandleCommands(func(c *cluster.Command) { n.commands <- c })
	m.HandleAnswers(func(a *cluster.Answer) { n.answers <- a })
	m.HandleMessages(func(msg *cluster.Message) { n.messages <- msg })
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

func TestCommandAndAnswer(t *testing.T) {
	a, b := newNode(t, Config{}), newNode(t, Config{})
	a.SendCommand(b.address, &cluster.Command{Call: 7, Shard: 3, To: cluster.ActorID{Kind: "player", ID: "ann"}, Method: "Buy", Payload: []byte("x")})
	got := next(t, b.commands)
	if got.Call != 7 || got.ReplyTo != a.address || got.Method != "Buy" || string(got.Payload) != "x" {
		t.Errorf("got %+v", got)
	}
	b.SendAnswer(got.ReplyTo, &cluster.Answer{Call: got.Call, Payload: []byte("y")})
	if got := next(t, a.answers); got.Call != 7 || string(got.Payload) != "y" {
		t.Errorf("got %+v", got)
	}
}
