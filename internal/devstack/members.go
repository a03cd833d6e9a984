package devstack

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// Roles that a Member can have.
const (
	RoleEtcd = "etcd"
	RoleNATS = "nats"
)

// Member is one server of a cluster of several.
type Member struct {
	// Name is the role and a number, such as etcd-1.
	Name string `json:"name"`
	Role string `json:"role"`
	// Client is the host:port for clients, Peer that for the other members.
	Client string `json:"client"`
	Peer   string `json:"peer"`
	// Dir holds the member's data.
	Dir string `json:"dir"`
}

// NewMembers lays out a cluster of n etcd members and n NATS servers on
// loopback. Their data is to be in folders below dir that have their names.
// Their addresses are reserved until the process ends or release is called: the
// system gives them to nobody else, though a member can be down for a while.
func NewMembers(dir string, n int) (members []Member, release func(), err error) {
	var held reservations
	for _, role := range []string{RoleEtcd, RoleNATS} {
		for i := range n {
			name := fmt.Sprintf("%s-%d", role, i+1)
			m := Member{Name: name, Role: role, Dir: filepath.Join(dir, name)}
			for _, addr := range []*string{&m.Client, &m.Peer} {
				if *addr, err = held.reserve(anyPort); err != nil {
					held.release()
					return nil, nil, fmt.Errorf("find a port for %s: %w", name, err)
				}
			}
			members = append(members, m)
		}
	}
	return members, held.release, nil
}

// Reserve reserves the addresses of members that were laid out earlier, by this
// process or another.
func Reserve(members []Member) (release func(), err error) {
	var held reservations
	for _, m := range members {
		for _, addr := range []string{m.Client, m.Peer} {
			if _, err := held.reserve(addr); err != nil {
				held.release()
				return nil, fmt.Errorf("take the port of %s: %w", m.Name, err)
			}
		}
	}
	return held.release, nil
}

// EtcdURLs returns the addresses of etcd's members for its clients.
func EtcdURLs(members []Member) []string { return urls(members, RoleEtcd, "http://") }

// NATSURLs returns the addresses of the NATS servers for their clients.
func NATSURLs(members []Member) []string { return urls(members, RoleNATS, "nats://") }

func urls(members []Member, role, scheme string) (all []string) {
	for _, m := range members {
		if m.Role == role {
			all = append(all, scheme+m.Client)
		}
	}
	return all
}

// validate says which field of a member cannot work, and why.
func (m Member) validate() error {
	if m.Role != RoleEtcd && m.Role != RoleNATS {
		return fmt.Errorf("member %q: Role %q must be %s or %s", m.Name, m.Role, RoleEtcd, RoleNATS)
	}
	if m.Name == "" || strings.ContainsAny(m.Name, "=, \t\n") {
		return fmt.Errorf("member: Name %q must not be empty, and without '=', ',' and spaces", m.Name)
	}
	if m.Dir == "" {
		return fmt.Errorf("member %s: Dir: not set", m.Name)
	}
	for _, f := range []struct{ name, addr string }{{"Client", m.Client}, {"Peer", m.Peer}} {
		host, port, err := net.SplitHostPort(f.addr)
		if err == nil && (net.ParseIP(host) == nil || port == "0") {
			err = errors.New("must be an IP address and a port that the other members know")
		}
		if err != nil {
			return fmt.Errorf("member %s: %s %q: %w", m.Name, f.name, f.addr, err)
		}
	}
	return nil
}
