package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// node is a process of `holdfast serve`, and the wires around it.
type node struct {
	name    string
	gateway bool // has clients and no shards; otherwise the other way round
	dir     string
	admin   string
	process *process

	// etcd and nats lead from the node to each member, peer to the node from all
	// others, and clients, of a gateway, to it from the players.
	etcd, nats []*wire
	peer       *wire
	clients    *wire
}

// nodeFile is what a node writes to node.json when it is ready.
type nodeFile struct {
	PID int `json:"pid"`
}

// ready says whether the node's present process serves.
func (n *node) ready() bool {
	text, err := os.ReadFile(filepath.Join(n.dir, "node.json"))
	if err != nil {
		return false
	}
	var f nodeFile
	return json.Unmarshal(text, &f) == nil && f.PID != 0 && f.PID == n.process.pid()
}

// wireUp makes the wires of a node.
func (c *cluster) wireUp(n *node) (listen, peer string, err error) {
	for _, side := range []struct {
		role string
		to   *[]*wire
	}{{"etcd", &n.etcd}, {"nats", &n.nats}} {
		members, err := c.stack.members(side.role)
		if err != nil {
			return "", "", err
		}
		for _, m := range members {
			w, err := c.wire(n.name+"->"+m.Name, m.Client)
			if err != nil {
				return "", "", err
			}
			*side.to = append(*side.to, w)
		}
	}
	if peer, err = c.ports.take(); err != nil {
		return "", "", err
	}
	if n.peer, err = c.wire("peers->"+n.name, peer); err != nil {
		return "", "", err
	}
	if n.gateway {
		if listen, err = c.ports.take(); err != nil {
			return "", "", err
		}
		if n.clients, err = c.wire("clients->"+n.name, listen); err != nil {
			return "", "", err
		}
	}
	n.admin, err = c.ports.take()
	return listen, peer, err
}

// wire makes a wire with an address of its own.
func (c *cluster) wire(name, upstream string) (*wire, error) {
	listen, err := c.ports.take()
	if err != nil {
		return nil, err
	}
	return c.wires.to(name, listen, upstream)
}

// startNode starts a node; it is not ready yet.
func (c *cluster) startNode(name string, gateway bool) error {
	n := &node{name: name, gateway: gateway, dir: filepath.Join(c.dir, "nodes", name)}
	listen, peer, err := c.wireUp(n)
	if err != nil {
		return fmt.Errorf("wire up %s: %w", name, err)
	}
	role := "shard"
	if gateway {
		role = "gateway"
	}
	args := []string{
		"serve", "--node", name, "--data", n.dir, "--roles", role,
		"--admin", n.admin, "--peer", peer, "--peer-advertise", n.peer.address(),
		"--etcd", addresses(n.etcd, "http://"), "--nats", addresses(n.nats, "nats://"), "--replicas", fmt.Sprint(c.cfg.Members),
		"--lease-ttl", c.cfg.LeaseTTL.String(), "--retain-logs", "--rate-limit", "0",
		"--checkpoint-every", "5s",
		"--auth-secret-file", c.secretFile("auth.secret"), "--admin-token-file", c.secretFile("admin.token"),
	}
	if gateway {
		args = append(args, "--listen", listen)
	}
	n.process, err = launch(c.launcher, name, c.logFile(name), append(c.program[:len(c.program):len(c.program)], args...))
	if err != nil {
		return err
	}
	if gateway {
		c.gateways = append(c.gateways, n)
	} else {
		c.nodes = append(c.nodes, n)
	}
	return nil
}

func addresses(wires []*wire, scheme string) string {
	all := make([]string, len(wires))
	for i, w := range wires {
		all[i] = scheme + w.address()
	}
	return strings.Join(all, ",")
}

// everyone is all nodes and gateways.
func (c *cluster) everyone() []*node {
	return append(c.nodes[:len(c.nodes):len(c.nodes)], c.gateways...)
}

func (c *cluster) awaitNodes(ctx context.Context) error {
	for _, n := range c.everyone() {
		if err := await(ctx, n.name+" is ready", n.ready); err != nil {
			return errors.Join(err, fmt.Errorf("see %s", c.logFile(n.name)))
		}
	}
	return nil
}
