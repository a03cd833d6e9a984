package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/bisect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// compile builds a program that folds events of players, with a build tag.
func compile(t *testing.T, tag string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "build"+tag)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", tag, "-o", path, "./bisect/testdata/build").CombinedOutput()
	if err != nil {
		t.Fatalf("go build -tags %q: %v\n%s", tag, err, out)
	}
	return path
}

// shopper is a player who buys a different number of things each time.
type shopper struct {
	id    string
	shard cluster.ShardID
	seq   uint64
}

func newShopper(i int) *shopper {
	s := &shopper{id: fmt.Sprintf("p%d", i)}
	s.shard = cluster.ActorID{Kind: "player", ID: s.id}.Shard(townShards)
	return s
}

func (s *shopper) buys(t *testing.T, epoch cluster.Epoch, quantity int64) journal.Record {
	t.Helper()
	s.seq++
	e := &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Completed{Completed: &journalv1.PurchaseCompleted{
		Request: s.seq, Sku: "sword", Quantity: quantity, Price: 10 * quantity, Currency: "gold",
	}}}
	if s.seq == 1 {
		e.Opening = &journalv1.PlayerOpening{Wallet: []*journalv1.Amount{{Currency: "gold", Amount: 1000}}}
	}
	event, err := proto.Marshal(e)
	must(t, err)
	return journal.Record{Shard: s.shard, Epoch: epoch, Kind: "player", ID: s.id, Seq: s.seq, Event: event}
}

// shops writes two logs of a cluster that has changed hands once, and returns
// where the first purchase of three or more stands.
func (w *town) shops(d *draft) bisect.Place {
	w.t.Helper()
	var all []*shopper
	for i := range 12 {
		all = append(all, newShopper(i))
	}
	for s := range cluster.ShardID(townShards) {
		d.shards[s] = &clusterv1.Shard{Epoch: 2, Segments: []*clusterv1.Segment{
			{Log: string(w.logName("a-1")), From: 1, To: proto.Uint64(21), Epoch: 1},
			{Log: string(w.logName("b-1")), From: 1, Epoch: 2},
		}}
	}
	entries := func(epoch cluster.Epoch, quantity func(entry int) int64) (out [][]journal.Record) {
		for entry := range 20 {
			var e []journal.Record
			for i, s := range all {
				if (entry+i)%3 > 0 {
					continue
				}
				n := int64(1)
				if s.id == "p4" {
					n = quantity(entry)
				}
				e = append(e, s.buys(w.t, epoch, n))
			}
			out = append(out, e)
		}
		return out
	}
	d.logs = []*draftLog{
		{inc: "a-1", sealed: "b-1", entries: entries(1, func(int) int64 { return 2 })},
		{inc: "b-1", entries: entries(2, func(entry int) int64 { return 1 + int64(entry)/5 })},
	}
	d.checkpoints = [2]*draftCheckpoint{}
	w.write(d)
	for at, records := range d.logs[1].entries {
		for i, rec := range records {
			var e journalv1.PlayerEvent
			must(w.t, proto.Unmarshal(rec.Event, &e))
			if e.GetCompleted().GetQuantity() >= 3 {
				return bisect.Place{Log: w.logName("b-1"), Entry: cluster.LogSeq(at + 1), Record: i + 1, Shard: rec.Shard, Epoch: 2}
			}
		}
	}
	w.t.Fatal("nobody buys three")
	return bisect.Place{}
}

// Two builds of the program, one of which was built with a bug.
func TestBisectTwoBuilds(t *testing.T) {
	right, generous := compile(t, ""), compile(t, "plant_generous")
	w := newTown(t)
	want := w.shops(&draft{shards: make(map[cluster.ShardID]*clusterv1.Shard)})

	got, err := w.run("bisect", "--good", right, "--bad", right)
	if err != nil || !strings.Contains(got, "they agree on 160 events and 0 states of checkpoints, of 12 actors") {
		t.Errorf("a build and itself: %v\n%s", err, got)
	}
	for _, every := range []string{"1", "7", "1000"} {
		got, err = w.run("bisect", "--good", right, "--bad", generous, "--every", every, "--json")
		if !errors.Is(err, errDisagree) {
			t.Fatalf("every %s: got %v\n%s", every, err, got)
		}
		var r bisect.Result
		must(t, json.Unmarshal([]byte(got), &r))
		if r.Found == nil || r.Found.Where != want || r.Found.ID != "p4" || r.Good != "right" || r.Bad != "generous" {
			t.Errorf("every %s: got %s, want %+v", every, got, want)
		}
	}
	got, err = w.run("bisect", "--good", right, "--bad", generous, "--shard", want.Shard.String())
	if exit.Status(err) != exit.Failed {
		t.Errorf("one shard: got %v", err)
	}
	for _, part := range []string{
		"they disagree first on event ", " of player/p4\n", fmt.Sprintf("entry %d, record %d of it; shard %s, epoch 2", want.Entry, want.Record, want.Shard),
		`"quantity":"3"`, "wallet.0.priced: good \"", "bad   makes state hash ",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("one shard: got\n%swant %q in it", got, part)
		}
	}
	other := (want.Shard + 1) % townShards
	if got, err := w.run("bisect", "--good", right, "--bad", generous, "--shard", other.String()); err != nil {
		t.Errorf("another shard: got %v\n%s", err, got)
	}
}

// What was purged is given to the builds as the checkpoint has it.
func TestHistoryAfterAPurge(t *testing.T) {
	town := newTown(t)
	d := goodHistory(town.logName)
	d.logs[0].purge = 4
	d.shards[1].Segments = d.shards[1].Segments[1:]
	d.logs[2].entries[0] = d.logs[2].entries[0][:1]
	still := resident(0, 2) // nothing happens to it any more
	d.checkpoints[0].sums[still], d.checkpoints[1].sums[still] = checkpointed{4, 44}, checkpointed{4, 44}
	town.write(d)
	var got []string
	r := &reader{view: town.view, js: town.js}
	err := r.examine(t.Context(), func(m *moment) error {
		h, err := r.history(t.Context(), m, -1)
		if err != nil {
			return err
		}
		return h.read(t.Context(), func(it *bisect.Item) error {
			what := "event"
			if it.State {
				what = "state"
			}
			got = append(got, fmt.Sprintf("%s %s %d", it.Actor.ID, what, it.Seq))
			return nil
		})
	})
	must(t, err)
	want := []string{
		x + " state 5", w + " event 1", x + " event 6", z + " event 1", x + " event 7", still + " state 4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBisectMisuse(t *testing.T) {
	w := newTown(t)
	for _, args := range [][]string{
		{"--good", "x"}, {"--good", "x", "--bad", "y", "--every", "0"}, {"--good", "x", "--bad", "y", "--patience", "0s"},
		{"--good", "x", "--bad", "y", "--shard", fmt.Sprint(townShards)}, {"--good", "/not/there", "--bad", "/not/there"},
	} {
		if got, err := w.run(append([]string{"bisect"}, args...)...); err == nil {
			t.Errorf("%q: got\n%s", args, got)
		}
	}
}
