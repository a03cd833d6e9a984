package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// member is a server of etcd or NATS, as `holdfast dev` tells it in dev.json.
type member struct {
	Name   string `json:"name"`
	Role   string `json:"role"`
	Client string `json:"client"`
	Dir    string `json:"dir"`
	PID    int    `json:"pid"` // 0 while it is down
}

// stack is etcd and NATS: `holdfast dev --members N`.
type stack struct {
	program []string
	dir     string
	process *process
}

// devFile is what stands in dev.json.
type devFile struct {
	PID     int      `json:"pid"`
	Ready   bool     `json:"ready"`
	Members []member `json:"members"`
}

func startStack(ctx context.Context, l *launcher, program []string, dir, log string, members int) (*stack, error) {
	s := &stack{program: program, dir: dir}
	var err error
	command := append(program[:len(program):len(program)], "dev", "--processes", "--members", fmt.Sprint(members), "--data", dir)
	if s.process, err = launch(l, "dev", log, command); err != nil {
		return nil, err
	}
	err = await(ctx, "etcd and NATS serve", func() bool {
		d, err := s.read()
		return err == nil && d.Ready && d.PID == s.process.pid()
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: see %s", err, log), s.process.stop())
	}
	return s, nil
}

func (s *stack) read() (*devFile, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	d := new(devFile)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	return d, nil
}

// members returns those with a role.
func (s *stack) members(role string) ([]member, error) {
	d, err := s.read()
	if err != nil {
		return nil, err
	}
	var some []member
	for _, m := range d.Members {
		if m.Role == role {
			some = append(some, m)
		}
	}
	return some, nil
}

// kill ends a member at once; it stays down.
func (s *stack) kill(m member) error {
	if m.PID == 0 {
		return fmt.Errorf("%s: %w", m.Name, errDown)
	}
	p, err := os.FindProcess(m.PID)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", m.Name, err)
	}
	return nil
}

// restart starts a member again, after ending it if it runs.
func (s *stack) restart(ctx context.Context, name string) error {
	args := append(s.program[1:len(s.program):len(s.program)], "dev", "restart", name, "--data", s.dir)
	if out, err := exec.CommandContext(ctx, s.program[0], args...).CombinedOutput(); err != nil {
		return fmt.Errorf("restart %s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// revive starts every member that is down, and says which were.
func (s *stack) revive(ctx context.Context) (names []string, err error) {
	d, err := s.read()
	if err != nil {
		return nil, err
	}
	for _, m := range d.Members {
		if m.PID == 0 {
			names = append(names, m.Name)
			err = errors.Join(err, s.restart(ctx, m.Name))
		}
	}
	return names, err
}

// probePatience bounds one question to a member of etcd.
const probePatience = time.Second

// leader is the member of etcd that leads.
func (s *stack) leader(ctx context.Context) (member, error) {
	members, err := s.members("etcd")
	if err != nil {
		return member{}, err
	}
	for _, m := range members {
		if leads(ctx, m.Client) {
			return m, nil
		}
	}
	return member{}, errors.New("no member of etcd leads")
}

func leads(ctx context.Context, client string) bool {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+client+"/metrics", nil)
	if err != nil {
		return false
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = r.Body.Close() }() // it was read
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if lines.Text() == "etcd_server_is_leader 1" {
			return true
		}
	}
	return false
}

// urls are the direct addresses of the members with a role, for operators.
func (s *stack) urls(role, scheme string) (string, error) {
	members, err := s.members(role)
	var all []string
	for _, m := range members {
		all = append(all, scheme+m.Client)
	}
	return strings.Join(all, ","), err
}

func (s *stack) stop() error { return s.process.stop() }
