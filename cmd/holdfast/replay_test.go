package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whoever ends a load early finds no node and no folder of its own left behind, and
// one line that says so.
func TestInterruptedLoads(t *testing.T) {
	tape := filepath.Join(t.TempDir(), "a.tape")
	mustRun(t, "tape", "synth", "sale", "--players", "20", "--duration", "10m", "-o", tape)
	for name, tc := range map[string]struct {
		args  []string
		under string // is said when it is under way
	}{
		"replay": {[]string{"replay", tape}, "Replaying"},
		"sale":   {[]string{"bench", "sale", "--players", "4", "--seconds", "600"}, " done "},
	} {
		t.Run(name, func(t *testing.T) {
			temp := t.TempDir()
			cmd := exec.CommandContext(t.Context(), binary, tc.args...)
			cmd.Env = append(os.Environ(), "TMPDIR="+temp)
			stderr, err := cmd.StderrPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stderr)
			for lines.Scan() && !strings.Contains(lines.Text(), tc.under) {
			}
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			var rest bytes.Buffer
			for lines.Scan() {
				rest.WriteString(lines.Text() + "\n")
			}
			_, _ = io.Copy(&rest, stderr)
			_ = cmd.Wait() // its status is looked at
			if cmd.ProcessState.ExitCode() != 1 || !strings.HasSuffix(rest.String(), "holdfast: ended early: interrupt signal received\n") {
				t.Errorf("status %d and\n%s\nwant 1, and to hear that it was ended", cmd.ProcessState.ExitCode(), rest.String())
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
				t.Errorf("%v is left behind, %v", left, err)
			}
		})
	}
}
