package journal

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/audit"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// draft is the history of a small cluster, before anything of it is written.
type draft struct {
	logs   []*draftLog
	shards map[cluster.ShardID]*clusterv1.Shard
	// checkpoints are those of shard 0: the previous one and the current one.
	checkpoints [2]*draftCheckpoint
}

// draftLog is the log of one incarnation: its entries, and who sealed it, if
// anybody.
type draftLog struct {
	inc     cluster.Incarnation
	entries [][]journal.Record
	sealed  cluster.Incarnation
	purge   cluster.LogSeq // everything below goes
	behind  []byte         // is published twice without naming a predecessor, at the end
}

type draftCheckpoint struct {
	cp     *clusterv1.Checkpoint // without what follows from the sums
	sums   map[string]checkpointed
	damage func(*clusterv1.Checkpoint)
}

// checkpointed is a tally after so many events.
type checkpointed struct {
	seq uint64
	sum int64
}

// resident is the i-th name of a tally that lives in a shard.
func resident(s cluster.ShardID, i int) string {
	for n := 0; ; n++ {
		id := fmt.Sprintf("t%d", n)
		if (cluster.ActorID{Kind: "tally", ID: id}).Shard(townShards) == s {
			if i--; i < 0 {
				return id
			}
		}
	}
}

// Actors of the history. x lives in shard 0, which moves from a to b and back and
// is taken over by c; y lives in shard 1, which c takes over from a; w lives in
// shard 2, which stays with b.
var (
	x, z = resident(0, 0), resident(0, 1)
	y    = resident(1, 0)
	w    = resident(2, 0)
)

// goodHistory is one in which everything is as it should be. Segments of a sealed
// log end with the seal, or before it if they were closed before.
func goodHistory(name func(cluster.Incarnation) cluster.LogName) *draft {
	segment := func(inc cluster.Incarnation, from uint64, to uint64, epoch uint64) *clusterv1.Segment {
		s := &clusterv1.Segment{Log: string(name(inc)), From: from, Epoch: epoch}
		if to > 0 {
			s.To = &to
		}
		return s
	}
	at := func(seq uint64) *clusterv1.Position {
		return &clusterv1.Position{Log: string(name("a-1")), Seq: seq}
	}
	return &draft{
		logs: []*draftLog{
			{inc: "a-1", sealed: "c-1", entries: [][]journal.Record{
				{plus(0, 1, x, 1, 5)},
				{plus(0, 1, x, 2, 6), plus(1, 1, y, 1, 1)},
				{plus(1, 1, y, 2, 1)},
				{plus(0, 3, x, 5, 9)},
				{plus(0, 3, x, 6, 1), plus(0, 3, z, 1, 1)},
			}},
			{inc: "b-1", entries: [][]journal.Record{
				{plus(0, 2, x, 3, 7)},
				{plus(0, 2, x, 4, 8), plus(2, 1, w, 1, 1)},
			}},
			{inc: "c-1", entries: [][]journal.Record{
				{plus(0, 4, x, 7, 1), plus(1, 2, y, 3, 1)},
			}},
		},
		checkpoints: [2]*draftCheckpoint{
			{cp: &clusterv1.Checkpoint{Epoch: 3, From: at(4), Through: at(4)}, sums: map[string]checkpointed{x: {5, 35}}},
			{cp: &clusterv1.Checkpoint{Epoch: 3, From: at(5), Through: at(5)}, sums: map[string]checkpointed{x: {6, 36}, z: {1, 1}}},
		},
		shards: map[cluster.ShardID]*clusterv1.Shard{
			0: {Epoch: 4, Segments: []*clusterv1.Segment{segment("a-1", 4, 6, 3), segment("c-1", 1, 0, 4)}},
			1: {Epoch: 2, Segments: []*clusterv1.Segment{segment("a-1", 1, 5, 1), segment("c-1", 1, 0, 2)}},
			2: {Epoch: 1, Segments: []*clusterv1.Segment{segment("b-1", 1, 0, 1)}},
		},
	}
}

// write makes the history happen.
func (w *town) write(d *draft) {
	w.t.Helper()
	for _, l := range d.logs {
		w.writeLog(l)
	}
	store, err := checkpoint.Open(w.t.Context(), w.js, w.view.ClusterID(), 1)
	must(w.t, err)
	for n, c := range d.checkpoints {
		if c == nil {
			continue
		}
		w.writeCheckpoint(store, n, c)
		if n == 0 {
			d.shards[0].Previous = c.cp
		} else {
			d.shards[0].Current = c.cp
		}
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: w.stack.EtcdEndpoints(), Logger: zap.NewNop()})
	must(w.t, err)
	defer etcd.Close()
	for s, rec := range d.shards {
		text, err := protojson.Marshal(rec)
		must(w.t, err)
		_, err = etcd.Put(w.t.Context(), "/holdfast/shards/"+s.String(), string(text))
		must(w.t, err)
	}
}

func (w *town) writeLog(l *draftLog) {
	w.t.Helper()
	log := w.writer(l.inc)
	for _, records := range l.entries {
		w.add(log, records...)
	}
	if l.sealed != "" {
		_, err := journal.Seal(w.t.Context(), w.js, w.logName(l.inc), l.sealed)
		must(w.t, err)
	}
	if l.purge > 0 {
		must(w.t, log.Purge(w.t.Context(), l.purge))
	}
	if l.behind != nil {
		stream, err := w.js.Stream(w.t.Context(), string(w.logName(l.inc)))
		must(w.t, err)
		for range 2 { // once can be an entry that was in flight when the seal came
			_, err = w.js.Publish(w.t.Context(), stream.CachedInfo().Config.Subjects[0], l.behind, jetstream.WithExpectStream(string(w.logName(l.inc))))
			must(w.t, err)
		}
	}
}

func (w *town) writeCheckpoint(store *checkpoint.Store, n int, c *draftCheckpoint) {
	w.t.Helper()
	part, err := store.Write(w.t.Context(), 0, 3, n, func(yield func(checkpoint.Actor) error) error {
		for id, at := range c.sums {
			state, err := proto.Marshal(wrapperspb.Int64(at.sum))
			must(w.t, err)
			a := checkpoint.Actor{Kind: "tally", ID: id, Seq: at.seq, State: state}
			c.cp.StateHash += a.Hash()
			c.cp.Actors++
			if err := yield(a); err != nil {
				return err
			}
		}
		return nil
	})
	must(w.t, err)
	c.cp.Parts = []*clusterv1.Part{part}
	if c.damage != nil {
		c.damage(c.cp)
	}
}

// owned writes a record into the audit trail.
func (w *town) owned(s cluster.ShardID, epoch uint64, inc cluster.Incarnation) {
	w.t.Helper()
	_, err := audit.Open(w.t.Context(), w.js, w.view.ClusterID(), 1)
	must(w.t, err)
	text, err := protojson.Marshal(&clusterv1.OwnerRecord{
		Shard: uint32(s), Epoch: epoch, Owner: &clusterv1.Owner{Epoch: epoch, Incarnation: string(inc)},
	})
	must(w.t, err)
	_, err = w.js.Publish(w.t.Context(), "hf."+w.view.ClusterID()+".audit.owner."+s.String(), text)
	must(w.t, err)
}

// check runs `log check` on a history, in a cluster of its own.
func (d *draft) check(t *testing.T, w *town, args ...string) (string, error) {
	t.Helper()
	w.write(d)
	return w.run(append([]string{"check"}, args...)...)
}
