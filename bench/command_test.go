package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// run runs `holdfast args…`.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := &cobra.Command{Use: "holdfast", SilenceErrors: true}
	root.AddCommand(Command(), DemoCommand())
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func TestEchoCommand(t *testing.T) {
	out, progress, err := run(t, "bench", "echo", "--connections", "4", "--seconds", "0.1", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var r EchoReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Requests == 0 || r.Parameters.Connections != 4 {
		t.Errorf("got %q, %v, want a report of 4 connections", out, err)
	}
	if progress != "" {
		t.Errorf("got %q besides the JSON", progress)
	}
	out, progress, err = run(t, "bench", "echo", "--connections", "4", "--seconds", "0.1")
	if err != nil || !strings.Contains(out, "requests/s") || !strings.Contains(progress, "Connecting 4 clients") {
		t.Errorf("got %q, %q, %v, want a report and progress", out, progress, err)
	}
}

func TestCommandsRefuseWhatCannotWork(t *testing.T) {
	for want, args := range map[string][]string{
		"Players: -5":         {"bench", "sale", "--players", "-5"},
		"Admin: needed":       {"bench", "sale", "--url", "ws://127.0.0.1:1/v1/ws"},
		"Rate: an open":       {"bench", "sale", "--rate", "5", "--attempts", "9"},
		"no such file":        {"bench", "sale", "--secret-file", filepath.Join(t.TempDir(), "missing")},
		"secret-file":         {"bench", "sale", "--secret", "x", "--secret-file", "y"},
		"unknown flag":        {"bench", "sale", "--player", "5"},
		"unknown command":     {"bench", "sail"},
		"Connections: -1":     {"bench", "echo", "--connections", "-1"},
		"holdfast ctl record": {"bench", "sale", "--url", "ws://127.0.0.1:1/v1/ws", "--admin", "http://127.0.0.1:1", "--secret", testSecret, "--record", "x"},
		"connection refus":    {"bench", "sale", "--url", "ws://127.0.0.1:1/v1/ws", "--admin", "http://127.0.0.1:1", "--secret", testSecret},
	} {
		if _, _, err := run(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", args, err, want)
		}
	}
}

func TestSaleCommandRecordsAHistory(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := run(t, "bench", "sale", "--players", "2", "--attempts", "40", "--repeat", "1", "--history", folder, "--json"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(folder, history.OperationsFile))
	if got := strings.Count(string(data), `"kind":"buy"`); err != nil || got != 80 {
		t.Errorf("got %d requests, %v, want 40 purchases, each asked for twice", got, err)
	}
	if _, _, err := run(t, "bench", "sale", "--history", folder); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want not to overwrite a history", err)
	}
}
