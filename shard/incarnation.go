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

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/broadcast"
	"github.com/holdfast-game/holdfast/cluster/peer"
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
