package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-game/holdfast/internal/devstack"
)

const stateFile = "dev.json"

// State is what dev.json says of a cluster of several members.
type State struct {
	// PID is the supervisor's; 0 when none runs.
	PID int `json:"pid"`
	// Ready: the clusters have served once since the supervisor began.
	Ready bool `json:"ready"`
	// Etcd, NATS and Replicas are what nodes are to be told.
	Etcd     []string `json:"etcd"`
	NATS     []string `json:"nats"`
	Replicas int      `json:"replicas"`
	Members  []Member `json:"members"`
}

// Member is one member's process.
type Member struct {
	devstack.Member
	// PID is 0 while the member is down.
	PID int `json:"pid"`
	// Log is the file with what it logs.
	Log string `json:"log"`
}

// newState lays out n members of each kind below dir.
func newState(dir string, n int) (*State, func(), error) {
	layout, release, err := devstack.NewMembers(memberFolder(dir), n)
	if err != nil {
		return nil, nil, err
	}
	s := &State{Etcd: devstack.EtcdURLs(layout), NATS: devstack.NATSURLs(layout), Replicas: n}
	for _, m := range layout {
		s.Members = append(s.Members, Member{Member: m, Log: m.Dir + ".log"})
	}
	return s, release, nil
}

// layout is the cluster as its members know it.
func (s *State) layout() []devstack.Member {
	all := make([]devstack.Member, len(s.Members))
	for i, m := range s.Members {
		all[i] = m.Member
	}
	return all
}

func (s *State) member(name string) (*Member, error) {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i], nil
		}
	}
	return nil, fmt.Errorf("no member %q: see %s", name, stateFile)
}

// readState reads dev.json. Errors: fs.ErrNotExist.
func readState(dir string) (*State, error) {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read %s in %s: %w", stateFile, dir, err)
	}
	return s, nil
}

// write replaces dev.json: readers see the old or the new one, whole.
func (s *State) write(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	name := filepath.Join(dir, stateFile)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write %s: %w", stateFile, errors.Join(err, os.Remove(name+".new")))
	}
	return nil
}
