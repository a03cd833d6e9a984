package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/cluster/peer"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// incarnation is one life of the node in the cluster: one lease, one log, one
// actor system, one set of shards. Nothing of it survives its end.
type incarnation struct {
	node    *Node
	cfg     Config
	log     *slog.Logger
	metrics *Metrics

	view   *cluster.View
	mesh   *peer.Mesh
	bus    *broadcast.Bus
	js     jetstream.JetStream
	system *actor.ActorSystem
	member *cluster.Member
	// leased is member.Valid: what appends nothing may be answered.
	leased func() bool

	// Only with the shard role; journal is nil otherwise.
	journal *journal.Log
	logName cluster.LogName
	store   *checkpoint.Store
	// opened is journal, for progress, which is asked from the moment of joining.
	opened atomic.Pointer[journal.Log]
	// appended counts the bytes given to the journal.
	appended atomic.Int64
	outbox   *outbox
	letters  *deadLetters
	ballast  *ballast

	latency *latency
	// commands counts those that came, to choose the timed ones.
	commands atomic.Uint64

	// shards is the routing table within the node: nil where a shard is not
	// served here.
	shards []atomic.Pointer[hosted]
	// lots hold what arrives for shards that are on their way from or to this
	// node; nil for all others.
	lots []atomic.Pointer[lot]
	// successors are the owners that this node has handed shards to, until the
	// routes name a later one.
	successors []atomic.Pointer[cluster.Route]
	moves      *moves
	// stirred has reconcile look again, unsure also at what etcd says.
	stirred  chan struct{}
	unsure   atomic.Bool
	verifier *verifier
	// failures brings shards that stopped themselves to reconcile. It has room
	// for every shard once.
	failures chan failure

	// drain is closed when the node should give up its shards in good order,
	// handingBack when it no longer waits for others to take them.
	drain       <-chan struct{}
	handingBack chan struct{}
	// ctx ends with the incarnation; its cause says why.
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	// purging is held to purge the own log, and shared to name entries of it.
	purging sync.RWMutex

	// pauses says until when a shard that failed to be claimed is left alone.
	pausesMu sync.Mutex
	pauses   map[cluster.ShardID]time.Time
}

// failure is a shard that stopped itself, and why.
type failure struct {
	shard *hosted
	err   error
}

// stuckAfter is how long the log may stand still with work to do before the
// lease is no longer kept alive: a node that cannot write lets its shards go.
const stuckAfter = 2 * time.Second

// progress says whether the lease may be kept alive.
func (inc *incarnation) progress() bool {
	log := inc.opened.Load()
	if log == nil {
		return true
	}
	last, idle := log.LastProgress()
	// Where there is no room for its entries there is none for anybody's.
	return idle || time.Since(last) < stuckAfter || log.Full()
}

// open creates the incarnation's log and what hangs on it.
func (inc *incarnation) open(ctx context.Context) error {
	inc.logName = logName(inc.view.ClusterID(), inc.member.Incarnation())
	var err error
	if inc.store, err = checkpoint.Open(ctx, inc.js, inc.view.ClusterID(), inc.cfg.Replicas); err != nil {
		return fmt.Errorf("open the checkpoint store: %w", err)
	}
	if inc.letters, err = openDeadLetters(ctx, inc.js, inc.view.ClusterID(), inc.cfg.Replicas, inc.log); err != nil {
		return err
	}
	inc.ballast = newBallast(inc.js, inc.view.ClusterID(), inc.cfg.Replicas, inc.cfg.ballastPiece, inc.log, inc.metrics)
	// The committer may report durability as soon as the log is open, so the
	// outbox must stand behind it before: both are made here, in this order.
	var box atomic.Pointer[outbox]
	inc.journal, err = journal.Open(ctx, inc.js, journal.Config{
		Cluster: inc.view.ClusterID(), Name: inc.logName, Incarnation: inc.member.Incarnation(),
		Replicas: inc.cfg.Replicas, Logger: inc.log, Metrics: inc.metrics.Journal, OnFull: inc.ballast.storeFull,
		OnDurable: func(s journal.Stamp) {
			if b := box.Load(); b != nil {
				b.release(s)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("open the node log: %w", err)
	}
	inc.opened.Store(inc.journal)
	inc.outbox = newOutbox(inc.journal, inc.deliver, inc.metrics)
	box.Store(inc.outbox)
	return nil
}

// run serves until the lease or the log is lost, or until the node drains.
func (inc *incarnation) run(drain time.Duration) error {
	var fenced <-chan struct{}
	if inc.journal != nil {
		fenced = inc.journal.Done()
		inc.goRun(inc.reconcile)
		inc.goRun(inc.checkpoints)
		inc.goRun(inc.janitor)
		inc.goRun(inc.ballast.keep)
		inc.goRun(inc.reportLoad)
		inc.goRun(inc.verifications)
	}
	inc.goRun(func(ctx context.Context) { inc.office(ctx, "plan", cluster.RunPlanner) })
	over := func() error {
		select {
		case <-fenced:
			return fmt.Errorf("lost the log: %w", inc.journal.Err())
		case <-inc.member.Done():
			return fmt.Errorf("lost the lease: %w", inc.member.Err())
		default:
			return nil
		}
	}
	select {
	case <-fenced:
		return over()
	case <-inc.member.Done():
		return over()
	case <-inc.drain:
	}
	ctx, cancel := context.WithTimeout(inc.ctx, drain)
	defer cancel()
	inc.moveOut(ctx, drain-drain/4)
	if err := over(); err != nil {
		return err
	}
	return inc.handBack(ctx)
}

// officePause is how long this node does nothing as coordinator after that has
// failed. Nothing is missed meanwhile: it goes on where it stopped.
const officePause = time.Second

// office does what the coordinator does, again after an error: f waits until this
// node is it.
func (inc *incarnation) office(ctx context.Context, what string, f func(context.Context, *cluster.Member) error) {
	for {
		err := f(ctx, inc.member)
		if ctx.Err() != nil || inc.member.Err() != nil {
			return
		}
		inc.log.Error("stopped for now", "doing", what, "err", err)
		if !sleep(ctx, officePause) {
			return
		}
	}
}

// goRun runs f until the incarnation ends, which waits for it.
func (inc *incarnation) goRun(f func(context.Context)) {
	inc.wg.Go(func() { f(inc.ctx) })
}

// end drops everything: no answer, no message leaves any more.
func (inc *incarnation) end() {
	inc.cancel(errStopped)
	if inc.outbox != nil {
		inc.outbox.close()
	}
	inc.moves.end()
	inc.wg.Wait()
	for i := range inc.shards {
		if h := inc.shards[i].Swap(nil); h != nil {
			h.stop()
			inc.metrics.shards.Dec()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if inc.journal != nil {
		if err := inc.journal.Close(ctx); err != nil && !errors.Is(err, journal.ErrFenced) {
			inc.log.Warn("close the log", "err", err)
		}
	}
	if inc.letters != nil {
		inc.letters.close()
	}
	if inc.member != nil {
		if err := inc.member.Leave(ctx); err != nil {
			inc.log.Warn("leave the cluster", "err", err)
		}
	}
	if err := inc.mesh.Stop(ctx); err != nil {
		inc.cfg.Logger.Warn("close the peer listener", "err", err)
	}
}

// hosts says whether an actor lives on this node. Behaviours see it as
// actors.Env.Local.
func (inc *incarnation) hosts(ref actors.Ref) bool {
	return inc.shards[cluster.ActorID(ref).Shard(len(inc.shards))].Load() != nil
}

// command puts a command into its shard's mailbox, unless the node has too much
// to do already: admission is here, before anything was decided.
func (inc *incarnation) command(c *cluster.Command) {
	if int(c.Shard) >= len(inc.shards) {
		inc.answerNow(c, &cluster.Answer{Code: clientv1.Code_CODE_INVALID_ARGUMENT, Text: fmt.Sprintf("shard %d does not exist", c.Shard)})
		return
	}
	h := inc.shards[c.Shard].Load()
	if h == nil {
		inc.unserved(c)
		return
	}
	if inc.journal.Full() && c.To.Kind != cluster.ShardKind {
		// What is decided now could not leave before there is room.
		inc.metrics.shed.Inc()
		inc.answerNow(c, refusalAnswer(errNoRoom))
		return
	}
	var m any = c
	if inc.commands.Add(1)%sampleEvery == 0 {
		m = &timed{c, time.Now()}
	}
	if inc.journal.Backlog() >= inc.cfg.MaxBacklog || !h.post(m, inc.cfg.MaxQueued) {
		inc.shed(c)
	}
}

// shed turns a command away before anything was decided on it.
func (inc *incarnation) shed(c *cluster.Command) {
	inc.metrics.shed.Inc()
	inc.answerNow(c, &cluster.Answer{
		Code: clientv1.Code_CODE_OVERLOADED, Text: "the node has too much to do; nothing was changed", RetryAfterMs: 100,
	})
}

// unserved keeps a command for a shard that is on its way, and tells the sender
// of any other who owns it.
func (inc *incarnation) unserved(c *cluster.Command) {
	switch inc.park(c.Shard, c) {
	case parked:
		return
	case full:
		inc.shed(c)
		return
	}
	// The shard may have come to rest here between the two looks.
	if h := inc.shards[c.Shard].Load(); h == nil || !h.post(c, inc.cfg.MaxQueued) {
		inc.redirect(c)
	}
}

// message puts an actor's message into its addressee's mailbox. It is dropped
// when the shard is elsewhere or drowning: its sender says it again.
func (inc *incarnation) message(m *cluster.Message) {
	if int(m.Shard) >= len(inc.shards) {
		return
	}
	h := inc.shards[m.Shard].Load()
	if h == nil {
		switch inc.park(m.Shard, m) {
		case full:
			inc.metrics.messagesDropped.Inc()
			return
		case parked:
			return
		}
		h = inc.shards[m.Shard].Load()
	}
	switch {
	case h == nil:
		inc.passOn(m)
	case !h.post(m, 2*inc.cfg.MaxQueued):
		inc.metrics.messagesDropped.Inc()
	}
}

// passOn sends a message on to the node that this one has handed the shard to:
// its sender has not heard of that yet. That node is the owner, or has handed
// the shard on itself, so that a message does not go in circles.
func (inc *incarnation) passOn(m *cluster.Message) {
	next := inc.successors[m.Shard].Load()
	if next != nil && inc.view.Routes().Owner(m.Shard).Epoch <= next.Epoch {
		inc.outbox.put(output{to: next.Address, message: m})
	}
}

// send delivers one actor's message to another: at once on this node, through
// the outbox to any other.
func (inc *incarnation) send(from actors.Ref, s *actors.Send) {
	to := cluster.ActorID(s.To)
	m := &cluster.Message{Shard: to.Shard(len(inc.shards)), From: cluster.ActorID(from), To: to, Body: s.Body}
	if inc.shards[m.Shard].Load() != nil || inc.lots[m.Shard].Load() != nil {
		inc.message(m)
		return
	}
	if owner := inc.owner(m.Shard); owner.Owned() && owner.Incarnation != inc.member.Incarnation() {
		inc.outbox.put(output{to: owner.Address, message: m})
	}
}

// owner is who owns a shard as far as this node knows: the routes, or a newer
// owner to whom this node has handed the shard itself.
func (inc *incarnation) owner(s cluster.ShardID) cluster.Route {
	owner := inc.view.Routes().Owner(s)
	next := inc.successors[s].Load()
	switch {
	case next == nil:
	case next.Epoch > owner.Epoch:
		return *next
	case next.Epoch < owner.Epoch:
		inc.successors[s].CompareAndSwap(next, nil)
	}
	return owner
}

// redirect tells the sender of a command that its shard is not served here, and
// who serves it as far as this node knows.
func (inc *incarnation) redirect(c *cluster.Command) {
	a := &cluster.Answer{NotOwner: true}
	if owner := inc.owner(c.Shard); owner.Incarnation != inc.member.Incarnation() {
		a.Owner = owner
	}
	inc.answerNow(c, a)
}

// answerNow answers a command on which nothing was decided, so that the answer
// depends on no record and need not wait for the log.
func (inc *incarnation) answerNow(c *cluster.Command, a *cluster.Answer) {
	a.Call = c.Call
	inc.mesh.SendAnswer(c.ReplyTo, a)
}

// deliver carries out what the outbox lets go.
func (inc *incarnation) deliver(o *output) {
	switch {
	case o.answer != nil:
		inc.mesh.SendAnswer(o.to, o.answer)
		if !o.arrived.IsZero() {
			inc.latency.observe(time.Since(o.arrived))
		}
	case o.message != nil:
		inc.mesh.SendMessage(o.to, o.message)
	case o.command != nil:
		inc.mesh.SendCommand(o.to, o.command)
	case o.frame != nil:
		if err := inc.bus.Publish(o.topic, o.frame); err != nil {
			inc.log.Warn("frame lost", "topic", o.topic, "err", err)
		}
	default:
		body, err := proto.Marshal(o.broadcast.Body)
		if err == nil {
			err = inc.bus.Publish(o.broadcast.Topic, body)
		}
		if err != nil {
			inc.log.Warn("broadcast lost", "topic", o.broadcast.Topic, "err", err)
		}
	}
}

// method looks up what a command asks for, and whether its caller may.
func (inc *incarnation) method(c *cluster.Command) (actors.Method, *actors.Refusal) {
	kind, ok := inc.cfg.Kinds.Kind(c.To.Kind)
	if !ok {
		return actors.Method{}, actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "no kind of actor is called %q", c.To.Kind)
	}
	m, ok := kind.Methods[c.Method]
	if !ok {
		return actors.Method{}, actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "kind %q has no method %q", c.To.Kind, c.Method)
	}
	caller := actors.Caller{Player: actors.PlayerID(c.Caller.Player), Admin: c.Caller.Admin}
	if !m.Allow(caller, actors.Ref(c.To)) {
		return actors.Method{}, actors.Refusef(clientv1.Code_CODE_UNAUTHENTICATED, "%s.%s on %q is not for this caller", c.To.Kind, c.Method, c.To.ID)
	}
	return m, nil
}

// failed takes a shard that stopped itself out of the routing table.
func (inc *incarnation) failed(h *hosted, err error) {
	if !inc.shards[h.id].CompareAndSwap(h, nil) {
		return
	}
	inc.metrics.shards.Dec()
	if inc.ctx.Err() != nil || errors.Is(err, journal.ErrFenced) || errors.Is(err, journal.ErrClosed) {
		return // all shards go; run says why
	}
	inc.metrics.shardFailures.Inc()
	inc.log.Error("shard stopped itself", "shard", h.id, "epoch", h.hold.Epoch, "err", err)
	inc.failures <- failure{shard: h, err: err}
}
