package chaos

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
	// pollEvery is how often a process is looked at that tells nothing by itself.
	pollEvery = 20 * time.Millisecond
	// restartPause is how long a process that ended by itself stays down, as an
	// orchestrator would have it.
	restartPause = 500 * time.Millisecond
	// stopPatience bounds a stop in good order: a node drains first.
	stopPatience = 15 * time.Second
)

// process is a program that is to run until it is stopped: it is started again
// whenever it ends, unless it is held down.
type process struct {
	name     string
	command  []string
	log      string // file that it adds to
	launcher *launcher

	mu      sync.Mutex
	cmd     *exec.Cmd     // nil while it is down
	exited  chan struct{} // of cmd
	held    bool          // stays down
	killed  bool          // cmd was, by us
	frozen  bool
	changed chan struct{} // closed when held changes
	ends    int           // how often it ended by itself

	stopping context.CancelFunc
	done     sync.WaitGroup
}

// launch starts the program and keeps it running until stop.
func launch(l *launcher, name, log string, command []string) (*process, error) {
	p := &process{name: name, command: command, log: log, launcher: l, changed: make(chan struct{})}
	if err := p.start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stopping = cancel
	p.done.Go(func() { p.keep(ctx) })
	return p, nil
}

func (p *process) start() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.name, err)
	}
	defer func() { _ = out.Close() }() // the process has its own copy
	cmd := exec.Command(p.command[0], p.command[1:]...)
	// It is told everything by its arguments.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HOLDFAST_") })
	cmd.Stdout, cmd.Stderr = out, out
	if err := p.launcher.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.exited, p.frozen, p.killed = cmd, exited, false, false
	return nil
}

// keep starts the process again until ctx is done.
func (p *process) keep(ctx context.Context) {
	for {
		p.mu.Lock()
		exited := p.exited
		p.mu.Unlock()
		select {
		case <-exited:
		case <-ctx.Done():
			return
		}
		if !p.awaitTurn(ctx) {
			return
		}
		if err := p.start(); err != nil {
			return // there is no program, or no thread to start it: nothing to do about it
		}
	}
}

// awaitTurn waits until the process may be started. It is false when ctx ended.
func (p *process) awaitTurn(ctx context.Context) bool {
	p.mu.Lock()
	p.cmd = nil
	killed := p.killed
	if !killed {
		p.ends++
	}
	p.mu.Unlock()
	if !killed && !pause(ctx, restartPause) {
		return false
	}
	for {
		p.mu.Lock()
		held, changed := p.held, p.changed
		p.mu.Unlock()
		if !held {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// kill ends the process at once, and holds it down until release.
func (p *process) kill() {
	p.mu.Lock()
	p.held, p.killed = true, true
	cmd, exited := p.cmd, p.exited
	p.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill() // it may be gone already
		<-exited
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == cmd {
		p.cmd = nil
	}
}

// release lets the process be started again.
func (p *process) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	close(p.changed)
	p.changed = make(chan struct{})
}

// freeze stops the process where it stands, until thaw.
func (p *process) freeze() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return errDown
	}
	if err := freeze(p.cmd.Process); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	p.frozen = true
	return nil
}

func (p *process) thaw() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || !p.frozen {
		return nil
	}
	p.frozen = false
	if err := thaw(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("continue %s: %w", p.name, err)
	}
	return nil
}

// pid is 0 while the process is down.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// endsByItself counts how often the process ended although nobody killed it.
func (p *process) endsByItself() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends
}

// stop ends the process in good order, and kills it when it takes too long. More
// than once does no harm.
func (p *process) stop() error {
	p.stopping()
	p.done.Wait()
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.mu.Unlock()
	if cmd == nil || over(exited) {
		return nil
	}
	_ = p.thaw() // it is to hear the next signal; if it cannot, it is killed
	_ = cmd.Process.Signal(syscall.SIGTERM)
	timeout := time.NewTimer(stopPatience)
	defer timeout.Stop()
	select {
	case <-exited:
		return nil
	case <-timeout.C:
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("%s did not end within %s and was killed", p.name, stopPatience)
	}
}

func over(exited <-chan struct{}) bool {
	select {
	case <-exited:
		return true
	default:
		return false
	}
}

// errDown: there is no process to do something to.
var errDown = errors.New("it is down")

// pause sleeps, and is false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// await polls ready until it is true.
func await(ctx context.Context, what string, ready func() bool) error {
	for !ready() {
		if !pause(ctx, pollEvery) {
			return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
