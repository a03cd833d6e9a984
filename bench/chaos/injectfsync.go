package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// attachPatience bounds the time until strace has hold of a process, and
	// until it has let it go.
	attachPatience = 3 * time.Second
)

// strace tampers with the system calls of a process.
type strace struct {
	cmd    *exec.Cmd
	said   bytes.Buffer // valid once exited is closed
	exited chan struct{}
}

// attach has strace inject something into a process's fsyncs.
func (c *cluster) attach(ctx context.Context, m member, what string) (*strace, error) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, skip("strace is not installed")
	}
	if m.PID == 0 {
		return nil, skip(m.Name + " is down")
	}
	const calls = "fsync,fdatasync"
	s := &strace{exited: make(chan struct{})}
	s.cmd = exec.Command(program, "-f", "-q", "-o", "/dev/null", "-p", strconv.Itoa(m.PID),
		"-e", "trace="+calls, "-e", "inject="+calls+":"+what)
	s.cmd.Stderr = &s.said
	if err := c.launcher.start(s.cmd); err != nil {
		return nil, fmt.Errorf("start strace: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // it is ended by a signal
		close(s.exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	err = await(ctx, "strace has hold of "+m.Name, func() bool { return over(s.exited) || traced(m.PID, s.cmd.Process.Pid) })
	if err == nil && over(s.exited) {
		err = skip("strace cannot attach: " + strings.TrimSpace(s.said.String()))
	}
	if err != nil {
		return nil, errors.Join(err, s.detach())
	}
	return s, nil
}

// detach lets the process go.
func (s *strace) detach() error {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // it may have ended, with its process
	timeout := time.NewTimer(attachPatience)
	defer timeout.Stop()
	select {
	case <-s.exited:
		return nil
	case <-timeout.C:
		_ = s.cmd.Process.Kill() // the system lets its process go
		<-s.exited
		return nil
	}
}

// injectFsyncError lets every fsync of a member fail for a while. etcd ends
// itself then; NATS refuses to write on. Whoever is ill is started again.
func injectFsyncError(ctx context.Context, c *cluster, f *Fault) (*injury, error) {
	return tamper(ctx, c, f, "error=EIO", true)
}

func injectSlowFsync(ctx context.Context, c *cluster, f *Fault) (*injury, error) {
	delay := 50*time.Millisecond + time.Duration(f.Dice>>24%200)*time.Millisecond
	return tamper(ctx, c, f, fmt.Sprintf("delay_enter=%d", delay.Microseconds()), false)
}

func tamper(ctx context.Context, c *cluster, f *Fault, what string, restart bool) (*injury, error) {
	role := []string{"etcd", "nats"}[f.Dice>>8%2]
	m, err := c.aMember(role, f.Dice)
	if err != nil {
		return nil, err
	}
	s, err := c.attach(ctx, m, what)
	if err != nil {
		return nil, err
	}
	return &injury{target: m.Name + ", " + what, heal: func(ctx context.Context) error {
		err := s.detach()
		if restart {
			err = errors.Join(err, c.revive(ctx, m.Name))
		}
		return err
	}}, nil
}
