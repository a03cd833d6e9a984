package actorstest

import (
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
)

// Config describes a world.
type Config struct {
	Seed  uint64
	Kinds []actors.Kind

	// Nodes is the number of nodes. Default 1.
	Nodes int
	// Place says on which node an actor lives. Default: by a hash of its name.
	Place func(actors.Ref) int

	// Loss and Duplicate are probabilities per message.
	Loss, Duplicate float64
	// Delay bounds how long a message between nodes takes, and how long a log
	// takes to become durable. Default 5 ms.
	Delay time.Duration
	// DuplicateDelay bounds how much later a copy arrives. Default 3 s.
	DuplicateDelay time.Duration

	// Lose is called with every message that an actor sends, and says whether it
	// gets lost. Optional.
	Lose func(from, to actors.Ref, body proto.Message) bool
	// Journaled is called with every event. Optional.
	Journaled func(actors.Ref, proto.Message)
	// Heard is called with every broadcast that leaves a node. Optional.
	Heard func(actors.Broadcast)
	// Cast is called with every frame that leaves a node. Optional.
	Cast func(topic string, frame []byte)
}

// World is a model of a cluster.
type World struct {
	cfg    Config
	kinds  *actors.Registry
	rand   *rand.Rand
	now    time.Time
	nodes  []*node
	events events
	order  uint64
	err    error
}

// New returns a world without actors: they come to be when they are addressed.
func New(cfg Config) (*World, error) {
	kinds, err := actors.NewRegistry(cfg.Kinds...)
	if err != nil {
		return nil, err
	}
	cfg.Nodes = max(cfg.Nodes, 1)
	if cfg.Delay == 0 {
		cfg.Delay = 5 * time.Millisecond
	}
	if cfg.DuplicateDelay == 0 {
		cfg.DuplicateDelay = 3 * time.Second
	}
	if cfg.Place == nil {
		cfg.Place = func(r actors.Ref) int { return int(xxhash.Sum64String(r.String()) % uint64(cfg.Nodes)) }
	}
	w := &World{
		cfg: cfg, kinds: kinds,
		rand: rand.New(rand.NewPCG(cfg.Seed, 1)),
		now:  time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for range cfg.Nodes {
		w.nodes = append(w.nodes, &node{world: w, index: len(w.nodes), actors: make(map[actors.Ref]*resident)})
	}
	return w, nil
}

// Now is the world's clock.
func (w *World) Now() time.Time { return w.now }

// Rand is the world's source of randomness, for tests that want theirs to be
// repeated by the seed as well.
func (w *World) Rand() *rand.Rand { return w.rand }

// Call is a command of a client or operator.
type Call struct {
	To      actors.Ref
	Method  string
	Caller  actors.Caller
	Request uint64
	Body    proto.Message
	// Done gets the answer, if one arrives; more than once if it is doubled.
	Done func(reply proto.Message, refusal *actors.Refusal)
}

// Call sends a command. Like everything else it may be lost or doubled.
func (w *World) Call(c Call) {
	w.carry(func() { w.node(c.To).command(&c) })
}

// After calls fn when the time has passed.
func (w *World) After(d time.Duration, fn func()) {
	w.order++
	heap.Push(&w.events, event{at: w.now.Add(d), order: w.order, fn: fn})
}

// Crash stops a node. It loses what is not durable, and comes back after down.
func (w *World) Crash(node int, down time.Duration) { w.nodes[node].crash(down) }

// HandOver moves what a node has to another in its place, in good order: actors
// part, and nothing that was journaled is lost. They come back after down.
func (w *World) HandOver(node int, down time.Duration) { w.nodes[node].handOver(down) }

// Calm ends loss and duplication from now on.
func (w *World) Calm() { w.cfg.Loss, w.cfg.Duplicate = 0, 0 }

// Step makes the next thing happen. It returns false when nothing will, or an
// error: once an actor's state is corrupt, nothing goes on.
func (w *World) Step() (bool, error) {
	if w.err != nil || len(w.events) == 0 {
		return false, w.err
	}
	e := heap.Pop(&w.events).(event)
	if e.at.After(w.now) {
		w.now = e.at
	}
	e.fn()
	return true, w.err
}

// Run lets d pass. check, if not nil, is called after every step.
func (w *World) Run(d time.Duration, check func() error) error {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		if _, err := w.Step(); err != nil {
			return err
		}
		if check == nil {
			continue
		}
		if err := check(); err != nil {
			return err
		}
	}
	w.now = end
	return w.err
}

// Each visits every actor of the nodes that are up, in the order in which they
// came to be.
func (w *World) Each(fn func(actors.Ref, actors.Behaviour)) {
	for _, n := range w.nodes {
		for _, r := range n.residents {
			fn(r.ref, r.behaviour)
		}
	}
}

// Actor returns an actor, or nil if it was never addressed or its node is down.
func (w *World) Actor(ref actors.Ref) actors.Behaviour {
	if r := w.node(ref).actors[ref]; r != nil {
		return r.behaviour
	}
	return nil
}

// Records is how many events are in the logs: the cost of what was done.
func (w *World) Records() (n int) {
	for _, node := range w.nodes {
		n += len(node.log)
	}
	return n
}

// Verify replays every actor and compares the result with the actor, and with
// what a snapshot makes of it.
func (w *World) Verify() error {
	for _, n := range w.nodes {
		for _, r := range n.residents {
			again, err := n.rebuild(r.ref, len(n.log), -1)
			if err != nil {
				return err
			}
			snapped, err := n.rebuild(r.ref, len(n.log), w.rand.IntN(int(r.seq)+1))
			if err != nil {
				return err
			}
			want := encode(r.behaviour.Snapshot())
			if !bytes.Equal(encode(again.Snapshot()), want) || !bytes.Equal(encode(snapped.Snapshot()), want) {
				return fmt.Errorf("%s: replay of its %d events gives another state", r.ref, r.seq)
			}
		}
	}
	return nil
}

func (w *World) node(ref actors.Ref) *node { return w.nodes[w.cfg.Place(ref)] }

// carry delivers over the network, or does not.
func (w *World) carry(deliver func()) {
	if !w.chance(w.cfg.Loss) {
		w.After(w.upTo(w.cfg.Delay), deliver)
	}
	if w.chance(w.cfg.Duplicate) {
		w.After(w.upTo(w.cfg.DuplicateDelay), deliver)
	}
}

func (w *World) chance(p float64) bool { return p > 0 && w.rand.Float64() < p }

func (w *World) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rand.Int64N(int64(d) + 1))
}

func (w *World) fail(err error) { w.err = errors.Join(w.err, err) }

// encode is deterministic.
func encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // a message of this process that cannot be encoded
	}
	return b
}

// event is something that will happen.
type event struct {
	at    time.Time
	order uint64
	fn    func()
}

// events is a heap, the earliest first.
type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return last
}
