package bisect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
)

// events is a history of tallies: amounts, by who gets them.
type events []event

type event struct {
	id     string
	amount int64
	// state: the amount is what a checkpoint has after seq events.
	state bool
	seq   uint64
}

// everyday is n events of a few tallies, in which nothing is out of the ordinary.
func everyday(n int) events {
	out := make(events, n)
	for i := range out {
		out[i] = event{id: fmt.Sprintf("t%d", (i*i+i/3)%17), amount: int64(i % 50)}
	}
	return out
}

func (h events) history(_ context.Context, yield func(*Item) error) error {
	seqs := make(map[string]uint64)
	for i, e := range h {
		data, err := proto.Marshal(wrapperspb.Int64(e.amount))
		if err != nil {
			return err
		}
		if seqs[e.id]++; e.state {
			seqs[e.id] = e.seq
		}
		it := Item{Actor: actors.Ref{Kind: "tally", ID: e.id}, Seq: seqs[e.id], State: e.state, Data: data, Where: Place{Entry: cluster.LogSeq(i + 1)}}
		if err := yield(&it); err != nil {
			return err
		}
		clear(data) // it need not outlive the call
	}
	return nil
}

// configure names two builds.
func (h events) configure(t *testing.T, good, bad string) Config {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{good, bad} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	return Config{Good: filepath.Join(dir, good), Bad: filepath.Join(dir, bad), Args: []string{childArg}, History: h.history}
}

func TestBuildsThatAgree(t *testing.T) {
	h := everyday(5000)
	h[300].amount = amountRefused
	h = append(h, event{id: "old", amount: 7, state: true, seq: 12}, event{id: "old", amount: 1})
	got, err := Run(t.Context(), h.configure(t, plain, plain))
	if err != nil {
		t.Fatal(err)
	}
	want := Result{Good: "build plain", Bad: "build plain", Events: 5001, States: 1, Actors: 18, Refused: 1}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}

// Wherever the first disagreement is, and whatever the ranges are, it is found.
func TestFirstDisagreement(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, every := range []int{1, 7, 1000, 100_000} {
		h := everyday(3000)
		first := r.IntN(len(h))
		h[first].amount = amountPlanted
		for range 3 { // there are more, later
			h[first+r.IntN(len(h)-first)].amount = amountPlanted
		}
		cfg := h.configure(t, plain, planted)
		cfg.Every = every
		got, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatalf("every %d: %v", every, err)
		}
		f := got.Found
		if f == nil || f.Where.Entry != cluster.LogSeq(first+1) || f.ID != h[first].id || got.Events != uint64(first) {
			t.Fatalf("every %d: got %+v, want the event at %d of %s", every, f, first+1, h[first].id)
		}
		if string(f.Event) != `"1001"` || f.Good.Hash == f.Bad.Hash || len(f.Differences) != 1 || f.Differences[0].Good == f.Differences[0].Bad {
			t.Errorf("every %d: got %+v, want the event and what is different", every, f)
		}
	}
}

// A difference that vanishes leaves none at the end of its range. It is what looking
// at every record is for.
func TestDifferenceThatVanishes(t *testing.T) {
	h := everyday(400)
	h[120].amount = amountPlanted
	cfg := h.configure(t, plain, heals)
	if got, err := Run(t.Context(), cfg); err != nil || got.Found != nil {
		t.Errorf("in ranges of 1000: got %+v, %v", got, err)
	}
	cfg.Every = 1
	got, err := Run(t.Context(), cfg)
	if err != nil || got.Found == nil || got.Found.Where.Entry != 121 {
		t.Errorf("record by record: got %+v, %v, want the one at 121", got, err)
	}
}

// One that vanished before the one which was seen is found when a range of the
// second pass ends where it is there.
func TestDifferenceThatVanishedBefore(t *testing.T) {
	h := make(events, 12)
	for i := range h {
		h[i] = event{id: "b", amount: 1}
	}
	h[1] = event{id: "a", amount: 1} // where the second pass begins
	h[4] = event{id: "a", amount: amountPlanted}
	h[5] = event{id: "a", amount: 1}
	h[9] = event{id: "a", amount: amountPlanted}
	cfg := h.configure(t, plain, heals)
	cfg.Every = 4
	got, err := Run(t.Context(), cfg)
	if err != nil || got.Found == nil || got.Found.Where.Entry != 5 {
		t.Errorf("got %+v, %v, want entry 5", got, err)
	}
}

func TestBuildsThatFail(t *testing.T) {
	for bad, want := range map[string]string{
		crashes: "the bad build ended with exit status 3: fatal error: stack overflow",
		refuses: "panic: no such number",
		hangs:   "the bad build did not answer in 500ms",
	} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			h := everyday(2500)
			h[1700].amount = amountPlanted
			cfg := h.configure(t, plain, bad)
			cfg.Patience = 500 * time.Millisecond
			if bad != hangs {
				cfg.Patience = 0
			}
			got, err := Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			f := got.Found
			if f == nil || f.Where.Entry != 1701 || f.Bad.Refused != want || f.Good.Hash == "" || string(f.Event) != `"1001"` {
				t.Errorf("got %+v, want entry 1701 and %q", f, want)
			}
		})
	}
	t.Run("both", func(t *testing.T) {
		h := everyday(100)
		h[70].amount = amountPlanted
		_, err := Run(t.Context(), h.configure(t, crashes, crashes))
		if err == nil || !strings.Contains(err.Error(), "neither build survives event") {
			t.Errorf("got %v", err)
		}
	})
}

func TestStatesOfCheckpoints(t *testing.T) {
	h := append(everyday(40), event{id: "old", amount: 7, state: true, seq: 12}, event{id: "old", amount: 1})
	got, err := Run(t.Context(), h.configure(t, plain, reads))
	if err != nil {
		t.Fatal(err)
	}
	if f := got.Found; f == nil || !f.Restored || f.ID != "old" || f.Seq != 12 || got.Events != 40 || len(f.Differences) != 1 {
		t.Errorf("got %+v, want the state of old", f)
	}
}

func TestBuildsThatCannotBeCompared(t *testing.T) {
	h := everyday(100)
	h[50].amount = amountPlanted
	if _, err := Run(t.Context(), h.configure(t, plain, unstable)); !errors.Is(err, ErrUnstable) {
		t.Errorf("a build that folds differently from time to time: got %v", err)
	}
	_, err := Run(t.Context(), h.configure(t, plain, garbage))
	if err == nil || !strings.Contains(err.Error(), "the bad build") || !strings.Contains(err.Error(), "is it a build of this program") {
		t.Errorf("a program that is no build: got %v", err)
	}
	cfg := h.configure(t, plain, plain)
	cfg.Good += "-not-there"
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "start the good build") {
		t.Errorf("a program that is not there: got %v", err)
	}
	cfg = h.configure(t, plain, plain)
	broken := errors.New("the log cannot be read")
	cfg.History = func(context.Context, func(*Item) error) error { return broken }
	if _, err := Run(t.Context(), cfg); !errors.Is(err, broken) {
		t.Errorf("a history that cannot be read: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg.History = func(ctx context.Context, yield func(*Item) error) error {
		cancel()
		return h.history(ctx, yield)
	}
	if _, err := Run(ctx, cfg); err == nil {
		t.Error("a search that was given up has a result")
	}
}

func TestConfig(t *testing.T) {
	for want, cfg := range map[string]Config{
		"two builds": {Good: "x", History: events{}.history},
		"no history": {Good: "x", Bad: "y"},
		"every":      {Good: "x", Bad: "y", History: events{}.history, Every: -1},
		"patience":   {Good: "x", Bad: "y", History: events{}.history, Patience: -1},
	} {
		if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one of %s", err, want)
		}
	}
}
