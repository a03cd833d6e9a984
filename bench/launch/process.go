package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// pollInterval is how often a started process is asked whether it is ready.
	pollInterval = 10 * time.Millisecond
	// stopTimeout is how long a process may take to end on SIGTERM before it is
	// killed: a node drains and takes a checkpoint first.
	stopTimeout = 20 * time.Second
)

// Process is a child process.
type Process struct {
	cmd    *exec.Cmd
	output *tail
	grace  time.Duration // stopTimeout
	exited chan struct{}
	err    error // valid once exited is closed
}

// Start runs command with more arguments. An empty command is this program.
func Start(command []string, args ...string) (*Process, error) {
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own program: %w", err)
		}
		command = []string{self}
	}
	args = append(command[1:len(command):len(command)], args...)
	p := &Process{
		// Not CommandContext: it kills, and Stop is gentler.
		cmd:    exec.Command(command[0], args...),
		output: new(tail),
		grace:  stopTimeout,
		exited: make(chan struct{}),
	}
	p.cmd.Env = ownEnvironment(os.Environ())
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// ownEnvironment leaves out what would tell a node to join some cluster: a
// process of one's own is told everything by its arguments.
func ownEnvironment(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "HOLDFAST_") })
}

// Await polls ready until it is true.
func (p *Process) Await(ctx context.Context, ready func() (bool, error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		ok, err := ready()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return fmt.Errorf("process ended early (%w):\n%s", errors.Join(p.err), p.output)
		case <-ctx.Done():
			return fmt.Errorf("wait for process: %w:\n%s", context.Cause(ctx), p.output)
		}
	}
}

// Stop asks the process to end and waits; after stopTimeout it kills it.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		<-p.exited
		return fmt.Errorf("process had ended before it was stopped (%w):\n%s", errors.Join(p.err), p.output)
	}
	timeout := time.NewTimer(p.grace)
	defer timeout.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timeout.C:
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("process did not end within %s and was killed:\n%s", p.grace, p.output)
	}
}

// Output is the end of what the process has printed, as it is.
func (p *Process) Output() string { return p.output.raw() }

// ID is the process's id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// tail keeps the end of what a process printed, for error messages.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// tailSize is enough for the lines that say why a process ended.
const tailSize = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailSize; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(p), nil
}

// raw is the end of the output as it is.
func (t *tail) raw() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

func (t *tail) String() string { return strings.TrimSpace(t.raw()) }
