package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/tape/splice"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// tapesIn are the tapes in a folder, which must be whole.
func tapesIn(t *testing.T, dir string, want int) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tape"))
	if err != nil || len(files) != want {
		t.Fatalf("%q, %v; want %d tapes", files, err, want)
	}
	if out := mustRun(t, append([]string{"tape", "verify"}, files...)...); strings.Count(out, ": whole, ") != want {
		t.Errorf("verify: %s", out)
	}
	return files
}

// summary is what is on a tape: how many frames of each kind.
func summary(t *testing.T, file string) (s splice.Summary, frames map[string]uint64) {
	t.Helper()
	if err := json.Unmarshal([]byte(mustRun(t, "tape", "info", "--json", file)), &s); err != nil {
		t.Fatal(err)
	}
	frames = make(map[string]uint64)
	for _, f := range s.Frames {
		frames[f.Direction+" "+f.Body] = f.Count
	}
	return s, frames
}

func TestRecording(t *testing.T) {
	catalog := write(t, "catalog.yaml", "sword: {price: 1, currency: gold, stock: 10}\n")
	zones := write(t, "zones.yaml", "arena: {width: 40, height: 30, bots: 3}\n")
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "tapes")
	n := startNode(t, data, "--node=a", "--play=false", "--start-balance=gold=5", "--catalog", catalog, "--zones", zones, "--record", dir)
	n.await("open the zone of the file", func() bool { return n.row("arena") != nil })

	c := n.visit("ann")
	if _, err := c.Buy(t.Context(), &clientv1.Buy{Sku: "sword", Quantity: 1}); err != nil {
		t.Fatal(err)
	}
	arena, err := c.EnterZone(t.Context(), "arena", client.EnterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for len(arena.Entities(nil)) == 0 { // it has been seen
		select {
		case <-arena.Updates():
		case <-t.Context().Done():
			t.Fatal("nothing is seen of the arena")
		}
	}
	if _, err := c.Say(t.Context(), &clientv1.Say{Channel: "zone/arena", Text: "a secret"}); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "ctl", "record", "status", "--data", data); !strings.Contains(out, "recording") || !strings.Contains(out, dir) {
		t.Errorf("status: %s", out)
	}
	if got := run(t, "ctl", "record", "start", "--data", data); got.status != 3 {
		t.Errorf("started twice: %+v", got)
	}
	mustRun(t, "ctl", "record", "stop", "--data", data)
	first := tapesIn(t, dir, 1)[0]
	s, frames := summary(t, first)
	if s.Players != 1 || !s.Hashed || s.Node != "a" || frames["received buy"] != 1 || frames["sent bought"] != 1 || frames["received say"] != 1 ||
		frames["sent welcome"] != 1 || frames["shown world_key"] == 0 {
		t.Errorf("got %+v", s)
	}
	whose := filepath.Join(t.TempDir(), "ann.tape")
	mustRun(t, "tape", "filter", first, "--player", "ann", "--key-file", filepath.Join(data, "record.key"), "-o", whose)
	if _, frames := summary(t, whose); frames["received buy"] != 1 {
		t.Errorf("ann's: %v", frames)
	}

	// Who is connected when it begins is on the tape, and what ends with the node is
	// whole.
	mustRun(t, "ctl", "record", "start", "--data", data)
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.stop()
	for _, file := range tapesIn(t, dir, 2) {
		if s, frames := summary(t, file); file != first && (s.Players != 1 || frames["received ping"] != 1 || frames["received hello"] != 0) {
			t.Errorf("got %+v", s)
		}
	}
	if st, err := os.Stat(filepath.Join(data, "record.key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", st.Mode(), err)
	}
}
