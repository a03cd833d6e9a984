package dev

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// endPatience is how long a member may take to end before it is killed: etcd
// hands its leadership over first.
const endPatience = 5 * time.Second

// child is one life of a member's process.
type child struct {
	name     string
	cmd      *exec.Cmd
	lifeline io.WriteCloser // its standard input
	exited   chan struct{}
	err      error // how it ended; valid once exited is closed
}

// startChild starts a member's process, which adds to its log file. It reports
// its end to ended.
func startChild(dir string, m Member, ended chan<- *child) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	log, err := os.OpenFile(m.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", m.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own copy
	c := &child{name: m.Name, exited: make(chan struct{})}
	c.cmd = exec.Command(self, "dev", "member", m.Name, "--data", dir)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = ownGroup()
	if c.lifeline, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", m.Name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", m.Name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.exited)
		ended <- c
	}()
	return c, nil
}

// askToEnd lets the process end in good order.
func (c *child) askToEnd() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	_ = c.lifeline.Close()
	wake(c.cmd.Process)
}

// awaitEnd waits until the process is gone, and kills it at the deadline.
func (c *child) awaitEnd(deadline <-chan time.Time) error {
	select {
	case <-c.exited:
		return nil
	case <-deadline:
		err := c.cmd.Process.Kill()
		if errors.Is(err, os.ErrProcessDone) {
			err = nil
		}
		<-c.exited
		return err
	}
}
