package journal

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

func TestCatIsReadable(t *testing.T) {
	w := newTown(t)
	a := w.writer("a-1")
	opening, err := proto.Marshal(&journalv1.PlayerEvent{Watermark: 7, Opening: &journalv1.PlayerOpening{Wallet: []*journalv1.Amount{{Currency: "gold", Amount: 3}}}})
	must(t, err)
	w.add(a, plus(0, 1, "x", 1, 5), journal.Record{Shard: 3, Epoch: 2, Kind: "player", ID: "p<1>", Seq: 1, Event: opening})
	w.add(a, plus(0, 1, "x", 2, 6))
	_, err = journal.Seal(t.Context(), w.js, w.logName("a-1"), "b-1")
	must(t, err)
	b := w.writer("b-1")
	w.add(b, plus(0, 2, "x", 3, 7))

	got, err := w.run("cat")
	must(t, err)
	var lines []string
	for line := range strings.Lines(got) {
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	head := func(inc cluster.Incarnation, entries string) string {
		return fmt.Sprintf("log %s, entries %s, begun ", w.logName(inc), entries)
	}
	for i, want := range []string{
		head("a-1", "1 to 2"),
		`       1  shard 0 epoch 1       tally/x #1                        "5"`,
		`          shard 3 epoch 2       player/p<1> #1                    {"opening":{"wallet":[{"currency":"gold","amount":"3"}]},"watermark":"7"}`,
		`       2  shard 0 epoch 1       tally/x #2                        "6"`,
		`       3  sealed by b-1`,
		``,
		head("b-1", "1 to 1"),
		`       1  shard 0 epoch 2       tally/x #3                        "7"`,
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("cat: line %d is not %q:\n%s", i+1, want, got)
		}
	}
	for filter, want := range map[string]int{
		"--log=" + string(w.logName("b-1")): 2,
		"--shard=3":                         2,
		"--shard=1":                         0,
		"--actor=tally/x":                   6,
		"--from=2":                          3,
		"--to=1":                            6,
	} {
		got, err := w.run("cat", filter)
		must(t, err)
		if n := strings.Count(got, "\n"); n != want {
			t.Errorf("cat %s: got %d lines, want %d:\n%s", filter, n, want, got)
		}
	}
}

// What cannot be there is told: an empty answer would say that it has not happened.
func TestCatOfWhatThereCannotBe(t *testing.T) {
	w := newTown(t)
	w.add(w.writer("a-1"), plus(0, 1, "x", 1, 5))
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--log=hf_b"}, "--log: there is no log hf_b"},
		{[]string{"--shard=4"}, "--shard: 4, must be 0 to 3"},
		{[]string{"--shard=-2"}, "--shard: -2, must be 0 to 3"},
		{[]string{"--actor=ann"}, `--actor: "ann", must be kind/id`},
		{[]string{"--actor=player/"}, `--actor: "player/", must be kind/id`},
		{[]string{"--from=3", "--to=2"}, "--to: 2, is before --from, 3"},
	} {
		for _, command := range []string{"cat", "dump"} {
			got, err := w.run(append([]string{command}, tc.args...)...)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || exit.Status(err) != exit.Unusable || got != "" {
				t.Errorf("%s %v: got %v (status %d) and %q, want %s", command, tc.args, err, exit.Status(err), got, tc.want)
			}
		}
	}
}

func TestCatOfWhatCannotBeDecoded(t *testing.T) {
	w := newTown(t)
	w.add(w.writer("a-1"), journal.Record{Shard: 1, Epoch: 1, Kind: "castle", ID: "c", Seq: 1, Event: []byte{1, 2}})
	got, err := w.run("cat")
	if err == nil || !strings.Contains(got, `0102 (this program knows no kind "castle")`) {
		t.Errorf("cat: got %v\n%s", err, got)
	}
}
