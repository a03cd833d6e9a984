package shard

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// What comes in from peers and goes out to them: which shard it is for, whether
// there is room for it, and who else to ask.

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
