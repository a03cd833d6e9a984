package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"iter"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/internal/browsertest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var pageTape = flag.String("page.tape", "", "new file for the tape of a session on the play page")

// Recorded traffic, kept with the project.
const (
	saleTape   = "../../bench/testdata/sale.tape"
	playedTape = "../../bench/testdata/page.tape"
)

// replayed plays a tape back and returns what was found. Some differences are
// what a test is about: it is not an error that there are any.
func replayed(t *testing.T, ctx context.Context, file string, args ...string) *report.Run {
	t.Helper()
	cmd := exec.CommandContext(ctx, binary, append([]string{"replay", file, "--json"}, args...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("replay %s: %v\n%s%s", strings.Join(args, " "), err, complaints.String(), out)
	}
	r := new(report.Run)
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// outcomes are those of one kind of request.
func outcomes(t *testing.T, r *report.Run, kind string) report.Outcomes {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Kind == kind {
			return o
		}
	}
	t.Fatalf("there are no outcomes of %s in %+v", kind, r.Outcomes)
	return report.Outcomes{}
}

// paces are the speeds at which everything is to be as it was.
var paces = map[string][]string{
	"as recorded":       nil,
	"ten times":         {"--speed", "10"},
	"as fast as it can": {"--unpaced"},
}

// A sale has as many winners as before, however fast it is held again.
func TestReplayOfASale(t *testing.T) {
	t.Parallel()
	for name, pace := range paces {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := replayed(t, ctx, saleTape, append(pace, "--stock", "1000")...)
			if buy := outcomes(t, r, "buy"); buy.Then["sold"] != 1000 || buy.Then["sold out"] != 600 || !maps.Equal(buy.Then, buy.Now) {
				t.Errorf("then %v, now %v, want 1000 sold and 600 sold out, twice", buy.Then, buy.Now)
			}
		})
	}
}

// What somebody has changed since a tape was recorded is found by replaying it.
func TestReplayFindsAChange(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sku := sold(t, saleTape)
	for name, change := range map[string]struct {
		put  []string
		want string // among the examples
		sold int64
	}{
		"a price": {[]string{"--price", "2"}, "sold for 2", 1600},
		"a limit": {[]string{"--price", "1", "--limit-per-player", "30"}, "limit reached", 600},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			node := newProcess(t, binary, "changed", dir, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--rate-limit", "0", "--start-balance", "gold=1000000")
			node.start()
			target := node.target(ctx)
			put := append([]string{"ctl", "--data", dir, "sku", "put", sku, "--currency", "gold", "--stock", "10000"}, change.put...)
			if _, status := run(t, ctx, put...); status != 0 {
				t.Fatalf("%q ended with %d", put, status)
			}
			r := replayed(t, ctx, saleTape, append(target, "--speed", "10")...)
			buy := outcomes(t, r, "buy")
			found := false
			for _, e := range buy.Examples {
				found = found || strings.Contains(e.Now, change.want)
			}
			if !found || buy.Now["sold"] != change.sold {
				t.Errorf("got %+v, want %d sold and an example with %q", buy, change.sold, change.want)
			}
		})
	}
}

// sold is what the first purchase on a tape is of.
func sold(t *testing.T, file string) (sku string) {
	t.Helper()
	for rec := range records(t, file) {
		var f clientv1.ClientFrame
		if rec.Kind != tape.Received || proto.Unmarshal(rec.Frame, &f) != nil || f.GetBuy() == nil {
			continue
		}
		return f.GetBuy().GetSku()
	}
	t.Fatalf("nothing is bought on %s", file)
	return ""
}

// records are those of a whole tape.
func records(t *testing.T, file string) iter.Seq[*tape.Record] {
	return func(yield func(*tape.Record) bool) {
		t.Helper()
		r, err := tape.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var rec tape.Record
		for err = r.Next(&rec); err == nil; err = r.Next(&rec) {
			if !yield(&rec) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("read %s: %v", file, err)
		}
	}
}

// target waits until a node serves, and returns the flags with which a tape is
// replayed on it.
func (p *process) target(ctx context.Context) []string {
	p.t.Helper()
	at := p.ready(ctx)
	return []string{
		"--url", "ws://" + at.Listen + "/v1/ws", "--admin", "http://" + at.Admin,
		"--admin-token", p.secret(at.AdminTokenFile), "--secret", p.secret(at.SecretFile),
	}
}

// A sale leaves a tape of all of it.
func TestASaleIsTaped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "tapes")
	if out, status := run(t, ctx, "bench", "sale", "--players", "4", "--attempts", "40", "--record", dir, "--json"); status != 0 {
		t.Fatalf("the sale ended with %d:\n%s", status, out)
	}
	asked, answered := 0, 0
	for rec := range records(t, onlyTape(t, dir)) {
		var c clientv1.ClientFrame
		var s clientv1.ServerFrame
		switch {
		case rec.Kind == tape.Received && proto.Unmarshal(rec.Frame, &c) == nil && c.GetBuy() != nil:
			asked++
		case rec.Kind == tape.Sent && proto.Unmarshal(rec.Frame, &s) == nil && s.GetBought() != nil:
			answered++
		}
	}
	if asked != 40 || answered != 40 {
		t.Errorf("%d purchases and %d answers are on the tape, want 40 of each", asked, answered)
	}
}

// onlyTape is the tape in a folder.
func onlyTape(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tape"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got tapes %q, %v, want one", files, err)
	}
	return files[0]
}

// A session on the page is recorded and played back on another node.
func TestReplayOfThePage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	browser := browsertest.Start(t, ctx)
	dir := t.TempDir()
	node := newProcess(t, binary, "recorded", dir, "serve", "--data", dir, "--node", "n1", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--record", filepath.Join(dir, "tapes"))
	node.start()
	at := node.ready(ctx)
	ada := openTab(t, browser, "Ada", at.Listen, 1280, 800)
	finn := openTab(t, browser, "Finn", at.Listen, 1280, 800)
	ada.enter()
	finn.enter()
	meet(ada, finn)
	trade(ada, finn)
	fight(ada, finn)
	node.stop()

	recorded := onlyTape(t, filepath.Join(dir, "tapes"))
	saysNothing(t, recorded, "lantern?", "mine!", "Ada", "Finn")
	if *pageTape != "" {
		if _, status := run(t, ctx, "tape", "cut", recorded, "-o", *pageTape); status != 0 {
			t.Errorf("tape cut ended with %d", status)
		}
	}
	playsAsBefore(t, ctx, recorded, []string{"--unpaced"})
}

// saysNothing fails if one of the words is on the tape.
func saysNothing(t *testing.T, file string, words ...string) {
	t.Helper()
	frames := 0
	for rec := range records(t, file) {
		frames++
		for _, w := range words {
			if bytes.Contains(rec.Frame, []byte(w)) || strings.Contains(rec.Player, w) {
				t.Errorf("%q is on the tape, in %q of %q", w, rec.Frame, rec.Player)
			}
		}
	}
	if frames < 100 {
		t.Errorf("the tape has only %d records", frames)
	}
}

// TestReplayOfAPlayedTape is the same, with a tape that was recorded long ago.
func TestReplayOfAPlayedTape(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	playsAsBefore(t, ctx, playedTape, slices.Collect(maps.Values(paces))...)
}

// playsAsBefore replays a session on the page, on a node that has the page.
func playsAsBefore(t *testing.T, ctx context.Context, file string, paces ...[]string) {
	t.Helper()
	dir := t.TempDir()
	node := newProcess(t, binary, "other", dir, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	node.start()
	target := node.target(ctx)
	for _, pace := range paces {
		r := replayed(t, ctx, file, slices.Concat(target, pace, []string{"--balance", "100"})...)
		for _, o := range r.Outcomes {
			// Who is near enough to be struck depends on where the bots go.
			if o.Kind != "intent" && !maps.Equal(o.Then, o.Now) {
				t.Errorf("%q: %s: then %v, now %v, such as %+v", pace, o.Kind, o.Then, o.Now, o.Examples)
			}
		}
		for kind, outcome := range map[string]string{"enter_zone": "done", "intent": "done", "say": "done", "buy": "sold"} {
			if outcomes(t, r, kind).Now[outcome] == 0 {
				t.Errorf("%q: no %s is %s", pace, kind, outcome)
			}
		}
	}
}
