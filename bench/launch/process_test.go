package launch

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func child(t *testing.T, mode string) *Process {
	t.Helper()
	t.Setenv("LAUNCH_TEST_PROCESS", mode)
	p, err := Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProcessThatEndsEarlySaysWhy(t *testing.T) {
	p := child(t, "fail")
	err := p.Await(t.Context(), func() (bool, error) { return false, nil })
	if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("got %v, want the exit status and what it printed", err)
	}
	if err := p.Stop(); err == nil {
		t.Error("stopping a process that had ended by itself is no error")
	}
}

func TestStubbornProcessIsKilled(t *testing.T) {
	p := child(t, "stubborn")
	if err := p.Await(t.Context(), func() (bool, error) { return strings.Contains(p.Output(), "ready"), nil }); err != nil {
		t.Fatal(err)
	}
	p.grace = 10 * time.Millisecond
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("got %v, want to hear that it was killed", err)
	}
	select {
	case <-p.exited:
	default:
		t.Error("stop returned before the process had ended")
	}
}

func TestAwaitIsBounded(t *testing.T) {
	p := child(t, "stubborn")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Await(ctx, func() (bool, error) { return false, nil }); err == nil {
		t.Error("awaited something that never came")
	}
	p.grace = time.Millisecond
	_ = p.Stop() // says that it was killed, or ended by SIGTERM before it could ignore it
}

func TestTailKeepsTheEnd(t *testing.T) {
	var out tail
	for range 100 {
		_, _ = out.Write([]byte(strings.Repeat("x", 100)))
	}
	_, _ = out.Write([]byte("the end\n"))
	if got := out.String(); len(got) > tailSize || !strings.HasSuffix(got, "xthe end") {
		t.Errorf("got %d bytes that end with %q", len(got), got[len(got)-10:])
	}
}

func TestStartNamesTheProgram(t *testing.T) {
	_, err := Start([]string{"/nonexistent/holdfast"}, "serve")
	if err == nil || !strings.Contains(err.Error(), "/nonexistent/holdfast") {
		t.Errorf("got %v, want the program's name", err)
	}
}

func TestNodeThatCannotStartLeavesNothing(t *testing.T) {
	t.Setenv("LAUNCH_TEST_PROCESS", "fail")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err := StartNode(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("got %v, want what the node printed", err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
}

func TestProcessIsNotConfiguredByOurEnvironment(t *testing.T) {
	got := ownEnvironment([]string{"HOME=/root", "HOLDFAST_ETCD=http://prod:2379", "PATH=/bin"})
	if strings.Join(got, " ") != "HOME=/root PATH=/bin" {
		t.Errorf("got %q, want the cluster's address left out", got)
	}
}
