package peer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Mesh is a node's connection to its peers.
type Mesh struct {
	cfg Config

	onCommand func(*cluster.Command)
	onAnswer  func(*cluster.Answer)
	onMessage func(*cluster.Message)
	onHandoff func(*clusterv1.Handoff)

	// The constants, but for tests.
	idleAfter, flushTimeout time.Duration

	// current is nil while the mesh is stopped.
	current atomic.Pointer[incarnation]

	mu sync.Mutex // serialises Start and Stop
}

// New returns a mesh that is not started.
func New(cfg Config) (*Mesh, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure mesh: %w", err)
	}
	return &Mesh{
		cfg:          cfg,
		idleAfter:    idleAfter,
		flushTimeout: flushTimeout,
		onCommand:    func(*cluster.Command) {},
		onAnswer:     func(*cluster.Answer) {},
		onMessage:    func(*cluster.Message) {},
		onHandoff:    func(*clusterv1.Handoff) {},
	}, nil
}

// HandleCommands sets who takes commands, before Start.
func (m *Mesh) HandleCommands(fn func(*cluster.Command)) { m.onCommand = fn }

// HandleAnswers sets who takes answers, before Start.
func (m *Mesh) HandleAnswers(fn func(*cluster.Answer)) { m.onAnswer = fn }

// HandleMessages sets who takes actor messages, before Start.
func (m *Mesh) HandleMessages(fn func(*cluster.Message)) { m.onMessage = fn }

// HandleHandoffs sets who takes what nodes say about moving shards, before Start.
func (m *Mesh) HandleHandoffs(fn func(*clusterv1.Handoff)) { m.onHandoff = fn }

// Start listens and returns the address that peers reach this incarnation at.
// Each Start is a new incarnation with a new actor system. ErrStarted when the
// mesh is running; any other error means that it could not listen.
func (m *Mesh) Start(ctx context.Context) (cluster.Address, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current.Load() != nil {
		return "", ErrStarted
	}
	in, err := newIncarnation(ctx, m)
	if err != nil {
		return "", err
	}
	m.current.Store(in)
	return in.address, nil
}

// Stop sends what is queued, for at most half a second or until ctx is done,
// closes all connections and waits for everything that Start has started. No
// handler is called by a peer once it has returned. What is sent while or after
// it runs is dropped, unless it is for this process.
func (m *Mesh) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	in := m.current.Load()
	if in == nil {
		return nil
	}
	in.stop(ctx)
	m.current.Store(nil)
	return nil
}

// System is the actor system of the current incarnation, nil when stopped.
func (m *Mesh) System() *actor.ActorSystem {
	if in := m.current.Load(); in != nil {
		return in.system
	}
	return nil
}

// Address is that of the current incarnation, "" when stopped.
func (m *Mesh) Address() cluster.Address {
	if in := m.current.Load(); in != nil {
		return in.address
	}
	return ""
}

// SendCommand hands c to the node at to. "" or the node's own address is a
// direct call of the handler; anything else is encoded and queued, and dropped
// when the queue is full. An empty ReplyTo reaches the peer as this node's
// address.
func (m *Mesh) SendCommand(to cluster.Address, c *cluster.Command) {
	in := m.current.Load()
	if to == "" || in != nil && to == in.address {
		m.onCommand(c)
		return
	}
	if in == nil {
		m.cfg.Metrics.drop(dropStopped, 1)
		return
	}
	item, err := encodeCommand(c, in.address)
	in.send(to, item, err)
}

// SendAnswer hands a to the node at to, as SendCommand does. An answer that
// cannot be encoded or is too large is replaced by an INTERNAL one, because the
// caller would otherwise ask again for the same.
func (m *Mesh) SendAnswer(to cluster.Address, a *cluster.Answer) {
	in := m.current.Load()
	if to == "" || in != nil && to == in.address {
		m.onAnswer(a)
		return
	}
	if in == nil {
		m.cfg.Metrics.drop(dropStopped, 1)
		return
	}
	item, err := encodeAnswer(a)
	if err == nil && len(item) > maxItemBytes {
		err = fmt.Errorf("answer of %d bytes is larger than %d", len(item), maxItemBytes)
	}
	if err != nil {
		m.cfg.Logger.Error("answer cannot be sent", "to", to, "err", err)
		item, err = encodeAnswer(&cluster.Answer{Call: a.Call, Code: clientv1.Code_CODE_INTERNAL, Text: err.Error()})
	}
	in.send(to, item, err)
}

// SendMessage hands msg to the node at to, as SendCommand does.
func (m *Mesh) SendMessage(to cluster.Address, msg *cluster.Message) {
	in := m.current.Load()
	if to == "" || in != nil && to == in.address {
		m.onMessage(msg)
		return
	}
	if in == nil {
		m.cfg.Metrics.drop(dropStopped, 1)
		return
	}
	item, err := encodeMessage(msg)
	in.send(to, item, err)
}

// SendHandoff hands h to the node at to, as SendCommand does.
func (m *Mesh) SendHandoff(to cluster.Address, h *clusterv1.Handoff) {
	in := m.current.Load()
	if to == "" || in != nil && to == in.address {
		m.onHandoff(h)
		return
	}
	if in == nil {
		m.cfg.Metrics.drop(dropStopped, 1)
		return
	}
	item, err := proto.Marshal(&clusterv1.Item{Body: &clusterv1.Item_Handoff{Handoff: h}})
	in.send(to, item, err)
}
