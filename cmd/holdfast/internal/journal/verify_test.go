package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// tallyHash is what a tally adds to its shard's state hash.
func tallyHash(id string, at checkpointed) uint64 {
	state, err := proto.Marshal(wrapperspb.Int64(at.sum))
	if err != nil {
		panic(err) // numbers can be encoded
	}
	return checkpoint.Actor{Kind: "tally", ID: id, Seq: at.seq, State: state}.Hash()
}

func TestVerifyReplaysFromEachCheckpoint(t *testing.T) {
	w := newTown(t)
	d := goodHistory(w.logName)
	d.logs[0].purge = 4
	d.shards[1].Segments = d.shards[1].Segments[1:]
	d.logs[2].entries[0] = d.logs[2].entries[0][:1] // y's events are all purged
	w.write(d)
	text, err := w.run("verify", "--json")
	must(t, err)
	var p proof
	must(t, json.Unmarshal([]byte(text), &p))
	before, last := p.Shards[0].Replays[0], p.Shards[0].Replays[1]
	end := hex(tallyHash(x, checkpointed{7, 37}) + tallyHash(z, checkpointed{1, 1}))
	at := hex(tallyHash(x, checkpointed{6, 36}) + tallyHash(z, checkpointed{1, 1}))
	switch {
	case !p.OK || len(p.Shards) != 3:
		t.Errorf("got %+v, want three good shards", p)
	case before.From != "checkpoint before" || before.Events != 3 || before.Actors != 2 || before.StateHash != end || *before.Checkpoint != passedBy{at, at}:
		t.Errorf("got %+v, want 3 events, 2 actors, hash %s, the last checkpoint at %s", before, end, at)
	case last.From != "last checkpoint" || last.Events != 1 || last.StateHash != end || last.Checkpoint != nil || last.Taken == nil:
		t.Errorf("got %+v, want 1 event, hash %s", last, end)
	}
	// Shard 2 has no checkpoint.
	if r := p.Shards[2].Replays; len(r) != 1 || r[0].From != "first event" || r[0].Events != 1 {
		t.Errorf("got %+v of shard 2, want one replay of 1 event", r)
	}
	text, err = w.run("verify", "--shard", "2")
	must(t, err)
	if !strings.Contains(text, "1 of 1 shards verified") {
		t.Errorf("verify --shard 2: got\n%s", text)
	}
	if text, err := w.run("verify", "--shard", fmt.Sprint(townShards)); err == nil {
		t.Errorf("verify of a shard that is not there: got\n%s", text)
	}
}

// Each of these is one thing that went wrong in a good history.
func TestVerifyFindsDefects(t *testing.T) {
	for name, tc := range map[string]struct {
		plant func(*draft)
		want  string
	}{
		"a checkpoint of another state":          {func(d *draft) { d.checkpoints[1].sums[x] = checkpointed{6, 99} }, "the last checkpoint holds"},
		"a previous checkpoint of another state": {func(d *draft) { d.checkpoints[0].sums[x] = checkpointed{5, 99} }, "the last checkpoint holds"},
		"a checkpoint of another hash": {func(d *draft) {
			d.checkpoints[1].damage = func(cp *clusterv1.Checkpoint) { cp.StateHash++ }
		}, "last checkpoint: corrupt"},
		"a checkpoint that is not there": {func(d *draft) {
			d.checkpoints[1].damage = func(cp *clusterv1.Checkpoint) { cp.Parts[0].Object = "ghost" }
		}, "a recovery would fail"},
		"a checkpoint that forgets an actor": {func(d *draft) {
			delete(d.checkpoints[1].sums, z)
			d.checkpoints[1].cp.From.Seq = 6
		}, "is not there when replay begins with the last checkpoint"},
		"a checkpoint of what the logs do not have": {func(d *draft) { d.checkpoints[1].sums[x] = checkpointed{8, 36} }, "comes by 1 of the 2 actors"},
		"a missing event":                 {func(d *draft) { d.logs[2].entries[0][0].Seq = 8 }, "events 7 to 7 are missing"},
		"an event that cannot be applied": {func(d *draft) { d.logs[2].entries[0][0] = plus(0, 4, x, 7, unbearable) }, "event 7: unbearable"},
		"an event of no kind":             {func(d *draft) { d.logs[2].entries[0][1] = castle(1, 2) }, `no kind "castle"`},
		"an event of another epoch":       {func(d *draft) { d.logs[2].entries[0][0].Epoch = 3 }, "in a stretch of epoch 4"},
		"a log that ends before a checkpoint": {func(d *draft) {
			d.logs[0].entries = d.logs[0].entries[:4]
			*d.shards[0].Segments[0].To, *d.shards[1].Segments[0].To = 4, 4 // the seal is entry 5
		}, "state was rolled back"},
		"a segment in a log that is not there": {func(d *draft) {
			d.shards[3] = &clusterv1.Shard{Epoch: 1, Segments: []*clusterv1.Segment{{Log: "hf_ghost", From: 1, To: proto.Uint64(3), Epoch: 1}}}
		}, "shard 3: a recovery would fail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			d := goodHistory(w.logName)
			tc.plant(d)
			w.write(d)
			got, err := w.run("verify")
			if !errors.Is(err, errUnproven) {
				t.Fatalf("got %v, want errUnproven:\n%s", err, got)
			}
			if !strings.Contains(got, tc.want) || !slices.Contains([]string{"2 of 3", "3 of 4", "1 of 3"}, got[strings.LastIndexByte(got[:len(got)-1], '\n')+1:][:6]) {
				t.Errorf("got\n%swant %q in it, and the other shards verified", got, tc.want)
			}
		})
	}
}
