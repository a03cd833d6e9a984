package sim

import "github.com/holdfast-game/holdfast/cluster"

// output is one thing that leaves a node.
type output struct {
	stamp uint64
	shard cluster.ShardID
	epoch cluster.Epoch
	leave func()
}

// outbox is package shard's, in miniature: outputs wait until the log is durable
// up to the moment at which they were produced.
type outbox struct {
	l     *life
	queue []output
}

// put takes an output of a shard at an epoch; at epoch 0 it is passed on for
// somebody else.
func (b *outbox) put(s cluster.ShardID, e cluster.Epoch, leave func()) {
	o := output{stamp: b.l.log.end, shard: s, epoch: e, leave: leave}
	if len(b.queue) == 0 && b.l.log.durable >= o.stamp || b.l.w.bug.is(outputFirst) {
		b.deliver(&o)
		return
	}
	b.queue = append(b.queue, o)
}

// release lets everything go that was produced at or before durable.
func (b *outbox) release(durable uint64) {
	for len(b.queue) > 0 && b.queue[0].stamp <= durable {
		o := b.queue[0]
		b.queue = b.queue[1:]
		b.deliver(&o)
	}
}

func (b *outbox) deliver(o *output) {
	b.l.w.history.released(b.l, o)
	o.leave()
}
