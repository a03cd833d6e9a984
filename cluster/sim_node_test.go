package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/clustertest"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// simNode is a node of the simulation. What is below inc is of one life.
type simNode struct {
	w    *world
	name cluster.NodeName
	busy bool

	*cluster.Member
	lease  int64
	faults *clustertest.Faults
	held   map[cluster.ShardID]*simShard
	claims map[cluster.ShardID]*simClaim
}

// simShard is a shard that a node serves.
type simShard struct {
	*cluster.Holding
	have int // the events it knows
}

// simClaim is a claim and the effect of it that is to be carried out.
type simClaim struct {
	*cluster.Claim
	cluster.ClaimEffect
	holding *cluster.Holding
	have    int
}

func (n *simNode) start() {
	n.w.leases++
	n.lease = n.w.leases
	n.w.etcd.Grant(n.lease)
	client, faults := n.w.client()
	n.faults = faults
	n.Member = cluster.ModelMember(client, simShards, n.name, cluster.LeaseID(n.lease))
	n.held, n.claims = make(map[cluster.ShardID]*simShard), make(map[cluster.ShardID]*simClaim)
	n.w.logs[n.log()] = new(simLog)
	n.w.note("%s starts", n.Incarnation())
}

// stop ends a life. Its lease, and what it has sent, go on without it.
func (n *simNode) stop() {
	n.w.note("%s ends", n.Incarnation())
	n.w.graves = append(n.w.graves, n.faults)
	n.held, n.claims = nil, nil
}

func (n *simNode) log() cluster.LogName { return cluster.LogName("log-" + n.Incarnation()) }

// restart is what a fenced or dead node does.
func (n *simNode) restart() {
	n.stop()
	n.w.etcd.Revoke(n.lease)
	n.start()
}

// ctx is patient enough for a few tries.
func (n *simNode) ctx() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(1+n.w.IntN(100))*time.Millisecond)
}

func (n *simNode) act() {
	w := n.w
	s := cluster.ShardID(w.IntN(simShards))
	shard, claim := n.held[s], n.claims[s]
	switch p := w.IntN(100); {
	case p < 2:
		n.stop() // Crashed. Its lease runs out later, or is revoked by its successor.
		if w.chance(50) {
			w.etcd.Revoke(n.lease)
		}
		n.start()
	case p < 5:
		w.note("lease of %s ends, it does not know", n.Incarnation())
		w.etcd.Revoke(n.lease)
	case p < 9:
		w.deliver(n.faults)
	case p < 11:
		if len(w.graves) > 0 {
			w.deliver(w.graves[w.IntN(len(w.graves))])
		}
	case p < 14:
		n.expireSomebodyDead()
	case p < 18:
		n.purge()
	case p < 24:
		n.reconcile()
	case claim != nil:
		if p < 28 {
			claim.Step(cluster.ClaimInput{Stop: errors.New("no longer assigned")})
		}
		n.advance(s)
	case shard == nil:
		n.claim(s)
	case p < 70:
		n.append(shard)
	case p < 85:
		n.checkpoint(shard)
	default:
		n.release(shard)
	}
}

// expireSomebodyDead revokes a lease that no living node has.
func (n *simNode) expireSomebodyDead() {
	id := 1 + n.w.Int64N(n.w.leases)
	if !slices.ContainsFunc(n.w.nodes, func(o *simNode) bool { return o.lease == id }) {
		n.w.etcd.Revoke(id)
	}
}

// append is a command that one of the shard's actors answers with an event.
func (n *simNode) append(shard *simShard) {
	w, l := n.w, n.w.logs[n.log()]
	if l.sealed {
		w.note("%s is fenced", n.Incarnation())
		n.restart()
		return
	}
	shard.have++
	l.entries = append(l.entries, simEntry{shard.Shard, shard.Epoch, shard.have})
	w.history[shard.Shard]++
	w.note("%s appends event %d of shard %d at epoch %d", n.Incarnation(), shard.have, shard.Shard, shard.Epoch)
	if shard.have != w.history[shard.Shard] {
		w.violated("%s appends event %d of shard %d, it has %d", n.Incarnation(), shard.have, shard.Shard, w.history[shard.Shard])
	}
}

func (n *simNode) checkpoint(shard *simShard) {
	w, end := n.w, uint64(n.w.logs[n.log()].durable())
	w.names++
	object := fmt.Sprintf("cp%d", w.names)
	w.objects[object] = shard.have
	ctx, cancel := n.ctx()
	defer cancel()
	dropped, err := n.PutCheckpoint(ctx, shard.Holding, &clusterv1.Checkpoint{
		Parts:   []*clusterv1.Part{{Object: object}},
		From:    &clusterv1.Position{Log: string(n.log()), Seq: end + 1},
		Through: &clusterv1.Position{Log: string(n.log()), Seq: end},
		Epoch:   uint64(shard.Epoch),
	})
	w.note("%s checkpoints shard %d as %s from %d, %v", n.Incarnation(), shard.Shard, object, end+1, err)
	for _, o := range dropped {
		delete(w.objects, o)
	}
	if errors.Is(err, cluster.ErrNotOwner) {
		delete(n.held, shard.Shard)
	}
}

// release stops serving first. If its outcome is unknown, the shard stays
// stopped until reconcile finds it.
func (n *simNode) release(shard *simShard) {
	delete(n.held, shard.Shard)
	ctx, cancel := n.ctx()
	defer cancel()
	err := n.Release(ctx, shard.Holding, n.w.logs[n.log()].durable())
	n.w.note("%s releases shard %d, %v", n.Incarnation(), shard.Shard, err)
}

func (n *simNode) purge() {
	ctx, cancel := n.ctx()
	defer cancel()
	low, named, err := n.LowestFrom(ctx, n.log())
	if l := n.w.logs[n.log()]; err == nil && named && int(low)-1 > l.purged {
		l.purged = int(low) - 1
		n.w.note("%s purges its log below %d", n.Incarnation(), low)
	}
}

// reconcile claims what is this node's and not held, and drops what is held and
// not this node's.
func (n *simNode) reconcile() {
	ctx, cancel := n.ctx()
	defer cancel()
	owned, err := n.Owned(ctx)
	if err != nil {
		return
	}
	for s := range cluster.ShardID(simShards) {
		switch is := slices.Contains(owned, s); {
		case is && n.held[s] == nil && n.claims[s] == nil:
			n.claim(s)
		case !is && n.held[s] != nil:
			n.w.note("%s finds that shard %d is not its own", n.Incarnation(), s)
			delete(n.held, s)
		}
	}
}

// claim begins a claim.
func (n *simNode) claim(s cluster.ShardID) {
	c := &simClaim{Claim: cluster.NewClaim(s, n.log())}
	c.ClaimEffect = c.Step(cluster.ClaimInput{})
	n.claims[s] = c
}

// advance carries out the claim's next effect.
func (n *simNode) advance(s cluster.ShardID) {
	w, c := n.w, n.claims[s]
	ctx, cancel := n.ctx()
	defer cancel()
	var in cluster.ClaimInput
	switch c.Do {
	case cluster.ClaimAcquire:
		c.holding, in.Err = n.Acquire(ctx, s)
		if in.Err == nil {
			in.Record = c.holding.Record
			n.acquired(c.holding)
		}
	case cluster.ClaimSeal:
		in = n.seal(w.logs[c.Log])
	case cluster.ClaimFlush:
		in.Seq = w.logs[c.Log].durable()
	case cluster.ClaimLoad:
		c.have, in.Err = w.load(c.Record, s)
		// A claim that was overtaken may find anything. Its Serve is refused.
		if in.Err != nil && w.owns(c.holding, n.Incarnation()) {
			w.violated("shard %d cannot be loaded by its owner: %v", s, in.Err)
		}
	case cluster.ClaimServe:
		in.Err = n.Serve(ctx, c.holding, c.CloseAt, n.log(), w.logs[n.log()].durable()+1)
	}
	w.note("%s claims shard %d: %v, %v", n.Incarnation(), s, c.Do, in.Err)
	c.ClaimEffect = c.Step(in)
	switch c.Do {
	case cluster.ClaimDone:
		delete(n.claims, s)
		n.held[s] = &simShard{c.holding, c.have}
		if c.have != w.history[s] {
			w.violated("shard %d is served with %d events, it has %d", s, c.have, w.history[s])
		}
	case cluster.ClaimAbandon:
		delete(n.claims, s)
		switch {
		case errors.Is(c.Err, cluster.ErrLeaseLost):
			n.restart()
		case c.Release:
			w.note("%s gives shard %d up, %v", n.Incarnation(), s, n.Release(ctx, c.holding, 0))
		}
	}
}

func (n *simNode) acquired(h *cluster.Holding) {
	key := fmt.Sprintf("%d/%d", h.Shard, h.Epoch)
	if n.w.epochs[key] {
		n.w.violated("%s acquires shard %d at epoch %d, which was given before", n.Incarnation(), h.Shard, h.Epoch)
	}
	n.w.epochs[key] = true
}

// seal seals a log, or does not and cannot know, or does and cannot know.
func (n *simNode) seal(l *simLog) (in cluster.ClaimInput) {
	w := n.w
	if w.bug.noSeal {
		in.Seq = max(1, l.end())
		return in
	}
	if p := w.IntN(100); w.calm || p < 80 {
		in.Seq = l.seal()
	} else {
		in.Err = cluster.ErrUnavailable
		if p < 90 {
			l.seal()
		}
	}
	return in
}
