package chaos

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test binary a program that writes a line when it begins and
// another when it is asked to end.
func TestMain(m *testing.M) {
	switch mode := os.Getenv("CHAOS_TEST_PROCESS"); mode {
	case "":
		os.Exit(m.Run())
	case "short":
		os.Stdout.WriteString("began\n")
	default:
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		os.Stdout.WriteString("began\n")
		<-asked
		os.Stdout.WriteString("asked to end\n")
	}
}

func launchTest(t *testing.T, mode string) *process {
	t.Helper()
	t.Setenv("CHAOS_TEST_PROCESS", mode)
	l := newLauncher()
	t.Cleanup(l.close)
	p, err := launch(l, "test", filepath.Join(t.TempDir(), "log"), []string{os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// lives counts how often the program has begun.
func (p *process) lives() int {
	text, _ := os.ReadFile(p.log)
	return strings.Count(string(text), "began")
}

func awaitTest(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := await(ctx, what, ok); err != nil {
		t.Fatal(err)
	}
}

func TestProcessThatEndsIsStartedAgain(t *testing.T) {
	p := launchTest(t, "short")
	awaitTest(t, "it was started three times", func() bool { return p.lives() >= 3 })
	if p.endsByItself() < 2 {
		t.Errorf("got %d ends, want them counted", p.endsByItself())
	}
}

func TestKilledProcessStaysDownUntilReleased(t *testing.T) {
	p := launchTest(t, "long")
	awaitTest(t, "it runs", func() bool { return p.lives() == 1 })
	p.kill()
	if p.pid() != 0 {
		t.Error("it has a process id after it was killed")
	}
	if err := p.freeze(); err == nil {
		t.Error("a process that is down was stopped")
	}
	p.release()
	awaitTest(t, "it runs again", func() bool { return p.lives() == 2 })
	if p.endsByItself() != 0 {
		t.Errorf("got %d ends by itself, want 0: it was killed", p.endsByItself())
	}
}

func TestStoppedProcessEndsWell(t *testing.T) {
	p := launchTest(t, "long")
	awaitTest(t, "it runs", func() bool { return p.lives() == 1 })
	if err := p.freeze(); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(p.log)
	if err != nil || !strings.HasSuffix(string(text), "asked to end\n") {
		t.Errorf("got %q, %v, want an end in good order", text, err)
	}
}
