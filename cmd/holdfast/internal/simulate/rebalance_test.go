package simulate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const testShards = 16

// dweller is the i-th player that lives in a shard.
func dweller(s cluster.ShardID, i int) string {
	for n := 0; ; n++ {
		id := fmt.Sprintf("p%d", n)
		if (cluster.ActorID{Kind: "player", ID: id}).Shard(testShards) == s {
			if i--; i < 0 {
				return id
			}
		}
	}
}

// reel writes a tape.
type reel struct {
	t    *testing.T
	w    *tape.Writer
	path string
}

func newReel(t *testing.T, h tape.Header) *reel {
	t.Helper()
	r := &reel{t: t, path: filepath.Join(t.TempDir(), "x.tape")}
	w, err := tape.Create(r.path, h)
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	return r
}

func (r *reel) add(rec tape.Record) {
	r.t.Helper()
	if err := r.w.Append(&rec); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reel) sends(at time.Duration, conn uint64, f *clientv1.ClientFrame) {
	r.t.Helper()
	b, err := proto.Marshal(f)
	if err != nil {
		r.t.Fatal(err)
	}
	r.add(tape.Record{At: at, Kind: tape.Received, Conn: conn, Frame: b, Size: len(b)})
}

func (r *reel) close() string {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	return r.path
}

// owners is what `ctl shards --json` says of shards that nodes own.
func owners(t *testing.T, of func(cluster.ShardID) string) string {
	t.Helper()
	m := new(adminv1.ShardsResponse)
	for s := range uint32(testShards) {
		m.Shards = append(m.Shards, &adminv1.ShardRow{Shard: s, Owner: &clusterv1.Owner{Node: of(cluster.ShardID(s))}})
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "shards.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// lopsided is a tape on which the players of the shards of node a, which are the
// first ones, are asked for more than those of b.
func lopsided(t *testing.T, length time.Duration) (tapePath, ownersPath string) {
	t.Helper()
	r := newReel(t, tape.Header{Started: time.Unix(1e9, 0)})
	for s := range cluster.ShardID(testShards) {
		r.add(tape.Record{Kind: tape.Opened, Conn: uint64(s) + 1, Player: dweller(s, 0)})
	}
	seq := uint64(0)
	for at := time.Duration(0); at < length; at += 50 * time.Millisecond {
		for s := range cluster.ShardID(testShards) {
			times := 1
			if s < testShards/2 {
				times = 4
			}
			for range times {
				seq++
				r.sends(at, uint64(s)+1, &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_GetPlayer{GetPlayer: new(clientv1.GetPlayer)}})
			}
		}
	}
	return r.close(), owners(t, func(s cluster.ShardID) string {
		if s < testShards/2 {
			return "a"
		}
		return "b"
	})
}

func predict(t *testing.T, args ...string) prediction {
	t.Helper()
	out, err := simulate(t, append([]string{"rebalance", "--json"}, args...)...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	var p prediction
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// The planner moves load by itself, as late as it always does, and then the nodes
// carry as much as each other.
func TestThePlannerEvensOut(t *testing.T) {
	tapePath, ownersPath := lopsided(t, 100*time.Second)
	p := predict(t, "--tape", tapePath, "--owners", ownersPath, "--nodes", "2")
	first, last := p.Timeline[0], p.Timeline[len(p.Timeline)-1]
	if first.Nodes["a"].Commands < 600 || first.Nodes["b"].Commands > 200 || first.Peak < 1.5 {
		t.Errorf("it begins with %+v, want 640/s and 160/s", first)
	}
	if last.Peak > 1.15 || last.Nodes["a"].Shards+last.Nodes["b"].Shards != testShards {
		t.Errorf("it ends with %+v, want it even", last)
	}
	if len(p.Moves) == 0 || p.Moves[0].At < 10 || p.Moves[0].At > 40 {
		t.Fatalf("got moves %+v, want them once the load is known and has been uneven for long enough", p.Moves)
	}
	waited := uint64(0)
	for _, m := range p.Moves {
		if m.From != "a" && m.Why == cluster.WhyLoad && m.Weight > 50 {
			t.Errorf("%+v is heavy, and leaves the node that has less to do", m)
		}
		waited += m.Waited
	}
	if p.Waited != waited || p.Seen.Players != testShards || p.Seen.Commands != p.Seen.Requests+testShards {
		t.Errorf("got %+v, %d waited", p.Seen, p.Waited)
	}
	if again := predict(t, "--tape", tapePath, "--owners", ownersPath, "--nodes", "2"); !slices.Equal(again.Moves, p.Moves) {
		t.Error("the same tape has another outcome the second time")
	}
}

// An operator need not wait. What comes while a shard is served by nobody waits.
func TestAnOperatorsRebalance(t *testing.T) {
	tapePath, ownersPath := lopsided(t, 40*time.Second)
	args := []string{"--tape", tapePath, "--owners", ownersPath, "--nodes", "2", "--lead", "0s", "--order", "20s"}
	p := predict(t, args...)
	if p.Proposal == nil || p.Proposal.Moves != len(p.Moves) || p.Proposal.SpreadBefore < 0.5 || p.Proposal.SpreadAfter > 0.06 {
		t.Fatalf("got %+v and %d moves", p.Proposal, len(p.Moves))
	}
	if at := p.Moves[0].At; at < 20 || at > 25 {
		t.Errorf("the first move is at %v s, want it when it was ordered", at)
	}
	slow := predict(t, append(args, "--stall", "500ms", "--takes", "1s")...)
	if slow.Waited < 10 || slow.Waited <= p.Waited {
		t.Errorf("%d commands wait with a stall of 500 ms, %d with one of 20 ms", slow.Waited, p.Waited)
	}
	text, err := simulate(t, append([]string{"rebalance"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"UNTIL", "the operator's rebalance has", "commands wait for them", " of the mean"} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%swant %q in it", text, want)
		}
	}
}

// More nodes than own anything: they get their share. Without --owners shards are
// given out by number.
func TestNodesThatJoin(t *testing.T) {
	tapePath, ownersPath := lopsided(t, 5*time.Second)
	p := predict(t, "--tape", tapePath, "--owners", ownersPath, "--nodes", "4", "--loop", "2")
	if want := []cluster.NodeName{"a", "b", "node-1", "node-2"}; !slices.Equal(p.Nodes, want) {
		t.Errorf("got nodes %v, want %v", p.Nodes, want)
	}
	if last := p.Timeline[len(p.Timeline)-1]; last.Nodes["node-1"].Shards == 0 || last.To < 9 {
		t.Errorf("it ends with %+v, want newcomers with shards, and two passages", last)
	}
	p = predict(t, "--tape", tapePath, "--nodes", "5", "--shards", "16")
	for n, l := range p.Timeline[0].Nodes {
		if l.Shards < 3 || l.Shards > 4 {
			t.Errorf("%s begins with %d of 16 shards", n, l.Shards)
		}
	}
}

func TestWeights(t *testing.T) {
	tapePath, ownersPath := lopsided(t, 5*time.Second)
	p := predict(t, "--tape", tapePath, "--owners", ownersPath, "--nodes", "2", "--weights", "get_player=0.25,attach=0")
	if p.Seen.Commands != p.Seen.Requests/4 {
		t.Errorf("got %d commands of %d requests, want a quarter", p.Seen.Commands, p.Seen.Requests)
	}
}

func TestRebalanceMisuse(t *testing.T) {
	tapePath, ownersPath := lopsided(t, time.Second)
	for _, args := range [][]string{
		{}, {"--tape", "/not/there"}, {"--tape", tapePath, "--nodes", "0"}, {"--tape", tapePath, "--weights", "fight=2"},
		{"--tape", tapePath, "--weights", "buy=-1"}, {"--tape", tapePath, "--stall", "1s"}, {"--tape", tapePath, "--loop", "0"},
		{"--tape", tapePath, "--every", "1ms"}, {"--tape", tapePath, "--lead", "-1s"}, {"--tape", tapePath, "--shards", "0"},
		{"--tape", tapePath, "--owners", ownersPath, "--nodes", "1"}, {"--tape", tapePath, "--owners", tapePath},
	} {
		if out, err := simulate(t, append([]string{"rebalance"}, args...)...); err == nil || len(args) > 0 && exit.Status(err) != exit.Unusable {
			t.Errorf("%q: got %v\n%s", args, err, out)
		}
	}
}
