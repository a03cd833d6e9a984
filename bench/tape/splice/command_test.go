package splice

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// run runs `tape` and returns what it prints.
func run(args ...string) (string, error) {
	c := Command()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.Execute()
	return out.String(), err
}

func TestCommands(t *testing.T) {
	a := create(t, header(), session(t))
	dir := t.TempDir()
	made := func(name string) string { return filepath.Join(dir, name) }
	key := made("key")
	if err := os.WriteFile(key, []byte("a key of sixteen bytes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := header()
	names := tape.NewNames([]byte("a key of sixteen bytes"))
	h.KeyID = names.KeyID()
	keyed := create(t, h, []tape.Record{opened(0, 1, names.Of([]byte("alice")))})
	for _, tc := range []struct {
		args  string
		want  string // in the output
		wrong string // in the error; "": none
	}{
		{"info " + a, "players      3, hashed with key 01234567", ""},
		{"info " + a, "received  ping   5", ""},
		{"verify " + a, "whole, 12 records, 4 lost", ""},
		{"cut " + a + " -o " + made("cut") + " --from 30ms --to 1s", "", ""},
		{"cut " + a + " -o " + made("cut") + " --from 30ms", "", "exists"},
		{"cut " + a + " -o " + made("no") + " --from soon", "", "--from"},
		{"cut " + a + " -o " + made("no") + " --from 2026-11-27T08:00:00Z", "", "not after the tape's start"},
		{"cut " + a + " -o " + made("late") + " --to 2026-11-27T09:00:01Z", "", ""},
		{"info " + made("cut"), "from 2026-11-27T09:00:00Z, 60ms long", ""},
		{"cut " + a, "", "out"},
		{"cut " + a + " -o " + made("head") + " --to 30ms", "", ""},
		{"merge " + made("cut") + " " + made("head") + " -o " + made("merged"), "", ""},
		{"merge " + a + " " + made("cut") + " -o " + made("no"), "", "have the same"},
		{"cut " + a + " -o " + made("no") + " --from 1h", "", "cut from 1h0m0s: the tape ends at 90ms"},
		{"filter " + a + " --player " + bob + " -o " + made("bob"), "", ""},
		{"filter " + keyed + " --player alice -o " + made("alice") + " --key-file " + key, "", ""},
		{"filter " + a + " --player alice -o " + made("no") + " --key-file " + key, "", "another key"},
		{"synth sale --players 30 --duration 20s -o " + made("sale"), "", ""},
		{"info " + made("sale"), "made up      of profile sale", ""},
		{"verify " + made("sale") + " " + made("merged") + " " + made("bob"), "whole", ""},
		{"synth sale --show", "countdown", ""},
		{"synth", "", "which profile"},
		{"synth party -o " + made("no"), "", "no profile \"party\""},
		{"synth sale", "", "give --out"},
		{"synth sale --players -1 -o " + made("no"), "", "--players: -1, must be positive"},
		{"synth sale --players 0 -o " + made("no"), "", "--players: 0, must be positive"},
		{"synth sale --duration 0s -o " + made("no"), "", "--duration: 0s, must be positive"},
		{"info " + made("nowhere"), "", "no such file"},
		{"info " + key, "", "this is no tape"},
		{"info " + key + " " + a + " " + keyed, "records      12, and 4 lost", "this is no tape"},
		{"info " + a + " " + keyed, "\n\ntape  ", ""},
		{"info " + keyed, "in 1 block\n", ""},
	} {
		got, err := run(strings.Fields(tc.args)...)
		switch {
		case (err != nil) != (tc.wrong != ""), err != nil && !strings.Contains(err.Error(), tc.wrong):
			t.Errorf("%s: %v, want %q", tc.args, err, tc.wrong)
		case !strings.Contains(got, tc.want):
			t.Errorf("%s: got\n%s\nwant %q", tc.args, got, tc.want)
		}
	}
	if _, err := os.Stat(made("no")); err == nil {
		t.Error("a command that could not work has left a tape")
	}
}

func TestVerifyCommandFails(t *testing.T) {
	whole := create(t, header(), session(t))
	bad := create(t, header(), []tape.Record{closed(0, 1)})
	out, err := run("verify", "--json", whole, bad)
	if !errors.Is(err, ErrNotWhole) {
		t.Errorf("got %v, want %v", err, ErrNotWhole)
	}
	// What is no tape at all does not hide what is wrong with the others.
	if _, err := run("verify", filepath.Join(t.TempDir(), "nowhere"), bad); !errors.Is(err, ErrNotWhole) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want both to be told", err)
	}
	d := json.NewDecoder(strings.NewReader(out))
	var first, second Verdict
	if d.Decode(&first) != nil || d.Decode(&second) != nil || !first.OK() || second.OK() {
		t.Errorf("got %s", out)
	}
}
