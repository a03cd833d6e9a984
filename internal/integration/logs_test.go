package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// run runs the program to its end, as an operator would.
func run(t *testing.T, ctx context.Context, args ...string) (stdout string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, binary, args...)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v", args, err)
	}
	if errs.Len() > 0 {
		t.Logf("%s: %s", strings.Join(args[:2], " "), strings.TrimSpace(errs.String()))
	}
	return out.String(), c.ProcessState.ExitCode()
}

// A node that was killed in mid-sale, and has kept its logs: they, the
// checkpoints and what it has in memory are one story from the first event on.
func TestTheLogsTellOneStory(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir, listen, admin := t.TempDir(), freePort(t), freePort(t)
	node := newProcess(t, binary, "only", dir, "serve", "--data", dir, "--node", "only", "--listen", listen, "--admin", admin,
		"--rate-limit", "0", "--start-balance", "gold=1000000000", "--retain-logs", "--checkpoint-every", "1s")
	node.start()
	at := node.ready(ctx)
	s := startSale(t, ctx, []string{"ws://" + listen + "/v1/ws"}, node, at, 8*time.Second, 64)
	pause(ctx, 3*time.Second)
	node.kill()
	node.start()
	node.ready(ctx)
	report := s.wait()

	if out, status := run(t, ctx, "ctl", "verify", "--data", dir); status != 0 || strings.Count(out, "previous checkpoint") == 0 {
		t.Errorf("ctl verify: status %d\n%s", status, out)
	}
	if _, status := run(t, ctx, "log", "check", "--data", dir); status != 2 {
		t.Errorf("log check of servers that nobody reaches: status %d, want 2", status)
	}
	node.stop()
	if out, status := run(t, ctx, "log", "check", "--whole", "--data", dir); status != 0 {
		t.Errorf("log check: status %d\n%s", status, out)
	}
	if out, status := run(t, ctx, "journal", "verify", "--data", dir); status != 0 || !strings.Contains(out, "64 of 64 shards verified") {
		t.Errorf("journal verify: status %d\n%s", status, out)
	}
	if out, status := run(t, ctx, "journal", "bisect", "--good", binary, "--bad", binary, "--data", dir); status != 0 || !strings.Contains(out, "they agree on ") {
		t.Errorf("journal bisect of a build and itself: status %d\n%s", status, out)
	} else {
		t.Log(out)
	}
	out, status := run(t, ctx, "log", "dump", "--data", dir)
	if status != 0 {
		t.Fatalf("log dump: status %d", status)
	}
	completed := 0
	for line := range strings.Lines(out) {
		var rec struct {
			Kind  string
			Event struct{ Completed json.RawMessage }
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("log dump: %v: %s", err, line)
		}
		if rec.Kind == "player" && rec.Event.Completed != nil {
			completed++
		}
	}
	if completed < int(report.Purchases) {
		t.Errorf("the dump has %d purchases, %d were acknowledged", completed, report.Purchases)
	}
}

// The same of a cluster at work, which goes on while it is looked at.
func TestTheLogsOfAClusterAtWork(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := startThree(t, ctx, binary)
	s := startSale(t, ctx, c.urls(), c.nodes[0], c.at[0], 20*time.Second, 96)
	data, looks := c.nodes[0].dir, 0
	check := func() {
		t.Helper()
		if out, status := run(t, ctx, "log", "check", "--data", data); status != 0 {
			t.Errorf("log check: status %d\n%s", status, out)
		}
		if out, status := run(t, ctx, "journal", "verify", "--data", data); status != 0 {
			t.Errorf("journal verify: status %d\n%s", status, out)
		}
		if out, status := run(t, ctx, "ctl", "verify", "--data", data); status != 0 {
			t.Errorf("ctl verify: status %d\n%s", status, out)
		}
		looks++
	}
	pause(ctx, 2*time.Second)
	check()
	c.nodes[2].kill()
	c.nodes[0].await(ctx, "serve with b what c had", func() bool { return c.served(2) == shardCount })
	c.nodes[2].start()
	c.nodes[2].ready(ctx)
	for s.running() {
		check()
	}
	s.wait()
	check()
	t.Logf("looked %d times", looks)
}
