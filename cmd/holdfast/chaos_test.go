package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A campaign that is interrupted ends every process that it started.
func TestInterruptedCampaignLeavesNothingRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	cmd := exec.Command(binary, "chaos", "--for", "5m", "--faults", "kill", "--members", "1", "--keep", dir, "--players", "16", "--rate", "10")
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	overdue := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	defer overdue.Stop()
	var said bytes.Buffer
	var running []int
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), "The sale has begun") {
			running = processesIn(t, dir)
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("ended with %d (%v), want 1:\n%s", status, err, said.String())
	}
	if len(running) != 8 { // dev, etcd, NATS, three nodes, two gateways
		t.Errorf("got %d processes while it ran, want 8:\n%s", len(running), said.String())
	}
	for _, pid := range running {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d still runs", pid)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "schedule.json")); err != nil {
		t.Errorf("the folder was not kept: %v", err)
	}
}

// processesIn are the processes of a campaign, as they tell themselves.
func processesIn(t *testing.T, dir string) (all []int) {
	t.Helper()
	var state struct {
		PID     int
		Members []struct{ PID int }
	}
	dev, err := os.ReadFile(filepath.Join(dir, "dev", "dev.json"))
	if err != nil || json.Unmarshal(dev, &state) != nil {
		t.Fatalf("read members: %v", err)
	}
	all = append(all, state.PID)
	for _, m := range state.Members {
		all = append(all, m.PID)
	}
	nodes, err := filepath.Glob(filepath.Join(dir, "nodes", "*", "node.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range nodes {
		var n struct{ PID int }
		text, err := os.ReadFile(name)
		if err != nil || json.Unmarshal(text, &n) != nil {
			t.Fatalf("read node: %v", err)
		}
		all = append(all, n.PID)
	}
	return all
}
