package actorstest

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
)

// Golden is a file of events and of the states that they gave when it was
// written: what an earlier version wrote must be readable for ever. Each line is
// an actor, "event" or "state", and a message in hexadecimal.
type Golden struct{ lines strings.Builder }

// Event adds an event, in the order in which it was applied.
func (g *Golden) Event(ref actors.Ref, e proto.Message) { g.add(ref, "event", e) }

// States adds the states of all actors of a world.
func (g *Golden) States(w *World) {
	w.Each(func(ref actors.Ref, b actors.Behaviour) { g.add(ref, "state", b.Snapshot()) })
}

func (g *Golden) add(ref actors.Ref, what string, m proto.Message) {
	fmt.Fprintf(&g.lines, "%s %s %x\n", ref, what, encode(m))
}

// Write writes the file.
func (g *Golden) Write(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(g.lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// CheckGolden replays the file's events, and compares the states with those that
// they gave when it was written.
func CheckGolden(t *testing.T, file string, kinds ...actors.Kind) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := actors.NewRegistry(kinds...)
	if err != nil {
		t.Fatal(err)
	}
	live := make(map[string]actors.Behaviour)
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if err := checkLine(registry, live, strings.Fields(line)); err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
	}
}

func checkLine(registry *actors.Registry, live map[string]actors.Behaviour, f []string) error {
	name, id, _ := strings.Cut(f[0], "/")
	kind, ok := registry.Kind(name)
	if !ok {
		return fmt.Errorf("no kind %s", name)
	}
	raw, err := hex.DecodeString(f[2])
	if err != nil {
		return err
	}
	if live[f[0]] == nil {
		live[f[0]] = kind.New(id)
	}
	if f[1] == "event" {
		e := kind.Event()
		if err := proto.Unmarshal(raw, e); err != nil {
			return err
		}
		return live[f[0]].Apply(e)
	}
	want := kind.State()
	if err := proto.Unmarshal(raw, want); err != nil {
		return err
	}
	if got := live[f[0]].Snapshot(); !proto.Equal(got, want) {
		return fmt.Errorf("%s: got %s, want %s", f[0], Format(got), Format(want))
	}
	return nil
}
