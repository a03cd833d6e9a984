package history

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(t testing.TB, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Runs without fault, of any shape, hold.
func TestRunsWithoutFaultHold(t *testing.T) {
	shapes := map[string]size{
		"small":         small,
		"one at a time": {players: 4, purchases: 100, skus: 1, slices: 1, shards: 4, nodes: 2, stock: 1000, outstanding: 1, reads: 50},
		"sold out":      {players: 10, purchases: 60, skus: 2, slices: 4, shards: 16, nodes: 3, stock: 30, outstanding: 3, unknown: 0.1, again: 0.2, lost: 0.2, reads: 5},
		"unknown":       {players: 5, purchases: 80, skus: 1, slices: 2, shards: 8, nodes: 3, stock: 10_000, outstanding: 8, unknown: 0.4, lost: 0.5, reads: 40},
		"long":          {players: 2, purchases: 1500, skus: 1, slices: 2, shards: 8, nodes: 3, stock: 10_000, outstanding: 2, unknown: 0.01, again: 0.05, lost: 0.05, reads: 500},
	}
	seeds := uint64(8)
	if testing.Short() {
		seeds = 2
		delete(shapes, "long")
	}
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				if name == "long" && seed > 0 {
					break
				}
				if r := makeUp(seed, s).judge(t); !r.OK() {
					t.Fatalf("seed %d:\n%s", seed, text(t, r))
				}
			}
		})
	}
}

// Without the log, what needs it is skipped, and the verdict is not good.
func TestWithoutTheLog(t *testing.T) {
	dir := makeUp(1, small).write(t)
	if err := os.Remove(filepath.Join(dir, LogFile)); err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		want := Skipped
		if c.Name == CheckAnswers || c.Name == CheckStock || c.Name == CheckWallet {
			want = Holds
		}
		if c.Verdict != want {
			t.Errorf("%s: got %s, want %s", c.Name, c.Verdict, want)
		}
	}
	if r.OK() {
		t.Error("a history without a log is called good")
	}
}

// An empty log does not hold, whatever else there is.
func TestEmptyLog(t *testing.T) {
	dir := makeUp(1, small).write(t)
	if err := os.Truncate(filepath.Join(dir, LogFile), 0); err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Check(CheckLog).Verdict != Violated || r.Check(CheckAcknowledged).Violations == 0 {
		t.Errorf("got\n%s", text(t, r))
	}
}

func TestCheckCannotRead(t *testing.T) {
	if _, err := Check(t.Context(), t.TempDir(), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	for _, name := range []string{OperationsFile, LogFile, BooksFile} {
		dir := makeUp(1, small).write(t)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no JSON\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(t.Context(), dir, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want its name", name, err)
		}
	}
}

// check runs `check args…`.
func check(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	c := CheckCommand()
	c.SilenceErrors = true
	var b strings.Builder
	c.SetOut(&b)
	c.SetErr(&b)
	c.SetArgs(args)
	err = c.ExecuteContext(t.Context())
	return b.String(), err
}

func TestCheckCommand(t *testing.T) {
	w := makeUp(1, small)
	good := w.write(t)
	out, err := check(t, good)
	if err != nil || !strings.Contains(out, "✓ acknowledged") || !strings.Contains(out, "unknown (") {
		t.Errorf("got %v and\n%s", err, out)
	}
	w.settledOp(OK, 3).Balance++
	bad := w.write(t)
	out, err = check(t, bad, "--json")
	if !errors.Is(err, ErrViolated) {
		t.Errorf("got %v, want %v", err, ErrViolated)
	}
	var r Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Operations != int64(small.players*small.purchases) || r.OK() ||
		r.Check(CheckWallet).Violations != 1 || r.UnknownShare == 0 {
		t.Errorf("got %v and\n%s", err, out)
	}
	if _, err := check(t); err == nil {
		t.Error("no folder is no error")
	}
}

func TestReportAsText(t *testing.T) {
	r := &Report{
		Operations: 1234567, Requests: 1300000, Reads: 5000, Bought: 1200000, Declined: 34000, Unknown: 567, UnknownShare: 567.0 / 1234567, UnknownDone: 12,
		Clients: 512, Logs: 3, Entries: 40000, Records: 2500000, Seals: 1,
		Checks: []Result{
			{Name: CheckLog, Verdict: Holds, Checked: 2500000, Unit: "records", Seconds: 12.34},
			{Name: CheckWallet, Verdict: Undecided, Checked: 7, Unit: "operations", Note: "player ann: 7 operations were not decided in time"},
			{Name: CheckBooks, Verdict: Violated, Violations: 1, Checked: 1, Unit: "accounts", Counterexamples: []string{"two lines:\nof text"}},
		},
	}
	want := `Operations  1,234,567 purchases of 512 players: 1,200,000 bought, 34,000 declined, 567 unknown (0.0459 %), 12 of those bought by the log
Requests    1,300,000 sent, 5,000 reads among them
Log         2,500,000 records in 40,000 entries of 3 logs, 1 seals, 0 void
✓ log           holds     2,500,000 records, 12.3 s
? wallet        undecided 7 operations, 0.0 s
    player ann: 7 operations were not decided in time
✗ books         violated  1 accounts, 0.0 s, 1 violations
    two lines:
    of text
`
	if got := text(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
