package journal

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

func TestAGoodHistory(t *testing.T) {
	w := newTown(t)
	got, err := goodHistory(w.logName).check(t, w, "--whole")
	must(t, err)
	want := `entries      ok  8 entries
owners       ok  12 records
events       ok  12 events
checkpoints  ok  3 states
3 logs, 3 shards, 4 actors, 4 of them from their first event on
`
	if got != want {
		t.Errorf("check: got\n%swant\n%s", got, want)
	}
	text, err := w.run("check", "--json")
	must(t, err)
	var v verdict
	must(t, json.Unmarshal([]byte(text), &v))
	hash := uint64(0)
	for id, at := range map[string]checkpointed{x: {7, 37}, z: {1, 1}} {
		state, err := proto.Marshal(wrapperspb.Int64(at.sum))
		must(t, err)
		hash += checkpoint.Actor{Kind: "tally", ID: id, Seq: at.seq, State: state}.Hash()
	}
	if s := v.Shards[0]; !v.OK || s.Epoch != 4 || s.Actors != 2 || s.Events != 8 || s.StateHash != hex(hash) {
		t.Errorf("check --json: got %+v of shard 0, want epoch 4, 2 actors, 8 events, hash %s", s, hex(hash))
	}
}

// What no recovery needs any more may be gone; the rest must fit the checkpoint.
func TestAPurgedHistory(t *testing.T) {
	w := newTown(t)
	d := goodHistory(w.logName)
	d.logs[0].purge = 4
	d.shards[1].Segments = d.shards[1].Segments[1:]
	d.logs[2].entries[0] = d.logs[2].entries[0][:1] // y's events are all purged
	got, err := d.check(t, w)
	must(t, err)
	if !strings.Contains(got, "3 logs, 3 shards, 3 actors, 2 of them from their first event on") {
		t.Errorf("check: got\n%swant x to begin with its checkpoint", got)
	}
	if got, err := w.run("check", "--whole"); !errors.Is(err, errInconsistent) || !strings.Contains(got, "begins with entry 4") {
		t.Errorf("check --whole: got %v,\n%swant the purge to be told", err, got)
	}
}

// Each of these is one thing that went wrong in a good history.
func TestDefects(t *testing.T) {
	for name, tc := range map[string]struct {
		plant func(*draft)
		args  []string
		want  string // the line that tells
	}{
		"an entry that cannot be read":           {func(d *draft) { d.logs[2].behind = []byte("HFE") }, nil, "entries: scan log"},
		"an entry behind the seal":               {func(d *draft) { d.logs[0].behind = []byte("HFE") }, nil, "entries: log hf_"},
		"an epoch that has not been":             {func(d *draft) { d.logs[2].entries[0][0].Epoch = 9 }, nil, "owners: log hf_"},
		"an epoch of 0":                          {func(d *draft) { d.logs[1].entries[1][1].Epoch = 0 }, nil, "is of epoch 0 of shard 2"},
		"one epoch in two logs":                  {func(d *draft) { d.logs[1].entries[1][0].Epoch = 3 }, nil, "owners: log hf_"},
		"an epoch that comes back":               {func(d *draft) { d.logs[0].entries[4][1].Epoch = 2 }, nil, "stands behind one of epoch 3"},
		"a record behind the end of its segment": {func(d *draft) { *d.shards[1].Segments[0].To = 2 }, nil, "whose records stand in entries 1 to 2"},
		"a record of an owner without a segment": {func(d *draft) { d.shards[1].Segments = d.shards[1].Segments[:1] }, nil, "epoch 2 of shard 1 wrote nothing"},
		"a segment in a log that is not there": {func(d *draft) {
			d.shards[3] = &clusterv1.Shard{Epoch: 1, Segments: []*clusterv1.Segment{{Log: "hf_ghost", From: 1, To: proto.Uint64(3), Epoch: 1}}}
		}, nil, "a recovery reads entries 1 to 3 of log hf_ghost"},
		"a log that ends before a checkpoint": {func(d *draft) {
			d.logs[0].entries = d.logs[0].entries[:4]
			*d.shards[0].Segments[0].To, *d.shards[1].Segments[0].To = 4, 4 // the seal is entry 5
		}, nil, "state was rolled back"},
		"ownerships that wait for each other": {func(d *draft) {
			d.shards[2] = &clusterv1.Shard{Epoch: 2}
			d.logs[0].entries[4] = append(d.logs[0].entries[4], plus(2, 1, w, 1, 1))
			d.logs[1].entries[0] = append(d.logs[1].entries[0], plus(2, 2, w, 2, 1))
			d.logs[1].entries[1] = d.logs[1].entries[1][:1]
		}, nil, "no order of ownerships"},
		"a missing event":                        {func(d *draft) { d.logs[1].entries[1] = d.logs[1].entries[1][1:] }, []string{"--whole"}, "events: tally/" + x + ", before entry 4 of epoch 3 of shard 0: events 4 to 4 are missing"},
		"a missing event behind the checkpoint":  {func(d *draft) { d.logs[2].entries[0][0].Seq = 8 }, nil, "events 7 to 7 are missing"},
		"an event that happens twice":            {func(d *draft) { d.logs[2].entries[0][0].Seq = 6 }, nil, "event 6 is there again"},
		"an event in another shard":              {func(d *draft) { d.logs[1].entries[1][1].ID = y }, nil, "belongs to shard 1"},
		"an event that cannot be applied":        {func(d *draft) { d.logs[2].entries[0][0] = plus(0, 4, x, 7, unbearable) }, nil, "event 7: unbearable"},
		"an event that cannot be decoded":        {func(d *draft) { d.logs[2].entries[0][0].Event = []byte{0xff} }, nil, "event 7: decode"},
		"an event of no kind":                    {func(d *draft) { d.logs[2].entries[0][1] = castle(1, 2) }, nil, `no kind "castle"`},
		"a checkpoint of another state":          {func(d *draft) { d.checkpoints[1].sums[x] = checkpointed{6, 99} }, nil, "is not what a checkpoint holds"},
		"a previous checkpoint of another state": {func(d *draft) { d.checkpoints[0].sums[x] = checkpointed{5, 99} }, nil, "is not what a checkpoint holds"},
		"a checkpoint of another hash": {func(d *draft) {
			d.checkpoints[1].damage = func(cp *clusterv1.Checkpoint) { cp.StateHash++ }
		}, nil, "it was taken of 2 of"},
		"a checkpoint of other contents": {func(d *draft) {
			d.checkpoints[1].damage = func(cp *clusterv1.Checkpoint) { cp.Parts[0].Digest += "x" }
		}, nil, "checkpoints: shard 0"},
		"a checkpoint that is not there": {func(d *draft) {
			d.checkpoints[1].damage = func(cp *clusterv1.Checkpoint) { cp.Parts[0].Object = "ghost" }
		}, nil, "checkpoint object not found"},
		"a checkpoint of what the logs do not have": {func(d *draft) { d.checkpoints[1].sums[x] = checkpointed{8, 36} }, nil, "the logs end with event 7"},
		"a checkpoint of somebody unknown":          {func(d *draft) { d.checkpoints[1].sums[resident(0, 5)] = checkpointed{1, 1} }, nil, "of which the logs know nothing"},
		"a checkpoint published too early":          {func(d *draft) { d.checkpoints[1].cp.Through.Seq = 4; d.checkpoints[1].cp.From.Seq = 4 }, nil, "was published when the log had entry 4"},
		"a checkpoint that forgets an event": {func(d *draft) {
			d.checkpoints[1].sums[x] = checkpointed{5, 35}
			d.checkpoints[1].cp.From.Seq = 6
		}, nil, "is in no checkpoint's state"},
		"a checkpoint that forgets an actor": {func(d *draft) {
			delete(d.checkpoints[1].sums, z)
			d.checkpoints[1].cp.From.Seq = 6
		}, nil, "is in no checkpoint's state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			d := goodHistory(w.logName)
			tc.plant(d)
			got, err := d.check(t, w, tc.args...)
			if !errors.Is(err, errInconsistent) {
				t.Fatalf("got %v, want errInconsistent:\n%s", err, got)
			}
			if !strings.Contains(got, tc.want) {
				t.Errorf("got\n%swant %q in it", got, tc.want)
			}
		})
	}
}

// castle is the first event of an actor whose kind nobody knows, in its shard.
func castle(s cluster.ShardID, epoch cluster.Epoch) journal.Record {
	r := journal.Record{Shard: s, Epoch: epoch, Kind: "castle", Seq: 1}
	for (cluster.ActorID{Kind: r.Kind, ID: r.ID}).Shard(townShards) != s {
		r.ID += "i"
	}
	return r
}

// The audit trail remembers owners that the shards' records have forgotten.
func TestTheAuditTrailHasAnotherOwner(t *testing.T) {
	w := newTown(t)
	d := goodHistory(w.logName)
	w.owned(0, 1, "a-1")
	w.owned(0, 3, "a-1")
	if got, err := d.check(t, w); err != nil {
		t.Fatalf("with the trail in agreement: %v\n%s", err, got)
	}
	w.owned(0, 2, "z-9")
	got, err := w.run("check")
	if !errors.Is(err, errInconsistent) || !strings.Contains(got, "epoch 2 stand in the log of b-1, the audit trail has z-9") {
		t.Errorf("got %v, want errInconsistent:\n%s", err, got)
	}
}
