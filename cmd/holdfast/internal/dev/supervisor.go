package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// supervisor starts members and knows which of them run. Only the goroutine of
// run touches it.
type supervisor struct {
	dir     string
	state   *State
	running map[string]*child
	ended   chan *child
	asked   chan request
}

// runMembers runs several members of each kind, in processes of their own.
func runMembers(ctx context.Context, out io.Writer, dir *datadir.Dir, o options) (err error) {
	state, release, err := layOut(dir.Path(), o.members)
	if err != nil {
		return exit.Unstarted(err)
	}
	defer release()
	if err := os.MkdirAll(memberFolder(dir.Path()), 0o700); err != nil {
		return exit.Unstarted(fmt.Errorf("make folder of members: %w", err))
	}
	s := &supervisor{
		dir: dir.Path(), state: state, running: make(map[string]*child),
		// One place for each member: the report of an end never waits.
		ended: make(chan *child, len(state.Members)),
		asked: make(chan request),
	}
	state.PID, state.Ready = os.Getpid(), false
	defer func() { err = errors.Join(err, s.endAll()) }()
	requests, err := listen(s.dir, s.asked)
	if err != nil {
		return exit.Unstarted(err)
	}
	defer requests.close()
	return s.run(ctx, out)
}

// layOut reads the cluster that is in the folder, or lays a new one out.
func layOut(dir string, members int) (*State, func(), error) {
	s, err := readState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(dir, members)
	}
	if err != nil {
		return nil, nil, err
	}
	if s.Replicas != members {
		return nil, nil, fmt.Errorf("--members: %d, but %s has a cluster of %d", members, dir, s.Replicas)
	}
	for i := range s.Members {
		s.Members[i].PID = 0 // of a supervisor that was killed, and they with it
	}
	release, err := devstack.Reserve(s.layout())
	return s, release, err
}

func (s *supervisor) run(ctx context.Context, out io.Writer) error {
	// The members end with the thread that starts them: see ownGroup.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, m := range s.state.Members {
		if err := s.start(m.Name); err != nil {
			return exit.Unstarted(err)
		}
	}
	starting, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- devstack.AwaitMembers(starting, s.state.layout()) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ready:
			if err != nil && ctx.Err() == nil {
				return exit.Unstarted(err)
			}
			s.state.Ready = true
			if err := errors.Join(s.state.write(s.dir), printFlags(out, s.state.Etcd, s.state.NATS, s.state.Replicas)); err != nil {
				return err
			}
		case c := <-s.ended:
			if err := s.lost(c); err != nil {
				return err
			}
		case r := <-s.asked:
			if r.room != nil {
				r.answer <- answer{err: s.leaveRoom(*r.room)}
				break
			}
			pid, err := s.restart(r.name)
			r.answer <- answer{pid, err}
		}
	}
}

func (s *supervisor) start(name string) error {
	m, err := s.state.member(name)
	if err != nil {
		return err
	}
	// Its own process reads dev.json.
	if err := s.state.write(s.dir); err != nil {
		return err
	}
	c, err := startChild(s.dir, *m, s.ended)
	if err != nil {
		return err
	}
	s.running[name] = c
	m.PID = c.cmd.Process.Pid
	return s.state.write(s.dir)
}

// lost notes that a process has ended.
func (s *supervisor) lost(c *child) error {
	if s.running[c.name] != c {
		return nil // its successor runs
	}
	delete(s.running, c.name)
	m, err := s.state.member(c.name)
	if err != nil {
		return err
	}
	m.PID = 0
	fmt.Fprintf(os.Stderr, "%s has ended (%v); holdfast dev restart %s --data %s brings it back\n", c.name, c.cmd.ProcessState, c.name, s.dir)
	if !s.state.Ready && c.err != nil {
		return exit.Unstarted(fmt.Errorf("%s has ended (%w): see %s", c.name, c.err, m.Log))
	}
	return s.state.write(s.dir)
}

// restart starts a member, after ending it if it runs, and returns its new
// process id.
func (s *supervisor) restart(name string) (pid int, err error) {
	if _, err := s.state.member(name); err != nil {
		return 0, err
	}
	if c := s.running[name]; c != nil {
		c.askToEnd()
		if err := c.awaitEnd(time.After(endPatience)); err != nil {
			return 0, fmt.Errorf("end %s: %w", name, err)
		}
	}
	if err := s.start(name); err != nil {
		return 0, err
	}
	return s.running[name].cmd.Process.Pid, nil
}

// leaveRoom tells the NATS servers that run how much room to leave.
func (s *supervisor) leaveRoom(bytes int64) error {
	var err error
	for _, m := range s.state.Members {
		c := s.running[m.Name]
		if m.Role != devstack.RoleNATS || c == nil {
			continue
		}
		if _, e := fmt.Fprintln(c.lifeline, bytes); e != nil {
			err = errors.Join(err, fmt.Errorf("tell %s: %w", m.Name, e))
		}
	}
	return err
}

// endAll ends all members and waits for them.
func (s *supervisor) endAll() error {
	for _, c := range s.running {
		c.askToEnd()
	}
	deadline := make(chan time.Time)
	timer := time.AfterFunc(endPatience, func() { close(deadline) })
	defer timer.Stop()
	var err error
	for name, c := range s.running {
		err = errors.Join(err, c.awaitEnd(deadline))
		delete(s.running, name)
	}
	s.state.PID, s.state.Ready = 0, false
	for i := range s.state.Members {
		s.state.Members[i].PID = 0
	}
	return errors.Join(err, s.state.write(s.dir))
}
