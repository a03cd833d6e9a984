package chaos

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	shardNodes   = 3
	gatewayNodes = 2

	// startPatience bounds the start of everything.
	startPatience = time.Minute
	// ctlPatience bounds one command of an operator in the midst of faults.
	ctlPatience = 10 * time.Second
)

// cluster is all the processes of a campaign.
type cluster struct {
	cfg     Config
	program []string
	dir     string

	launcher *launcher
	ports    ports
	wires    *wires
	stack    *stack
	nodes    []*node // own shards
	gateways []*node // have the clients
	small    *smallDisk
	secrets  map[string]string
}

// startCluster starts everything and returns when it serves. It leaves nothing
// running when it fails.
func startCluster(ctx context.Context, cfg Config, program []string, dir string) (_ *cluster, err error) {
	c := &cluster{cfg: cfg, program: program, dir: dir, launcher: newLauncher(), wires: newWires(), secrets: make(map[string]string)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, sub := range []string{"logs", "nodes"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"auth.secret", "admin.token"} {
		secret := make([]byte, 24)
		_, _ = rand.Read(secret) // never fails
		c.secrets[name] = hex.EncodeToString(secret)
		if err := os.WriteFile(c.secretFile(name), []byte(c.secrets[name]), 0o600); err != nil {
			return nil, err
		}
	}
	c.small = newSmallDisk(cfg, c.memberDir(smallMember))
	if c.stack, err = startStack(ctx, c.launcher, program, c.stackDir(), c.logFile("dev"), cfg.Members); err != nil {
		return nil, err
	}
	for i := range shardNodes {
		if err := c.startNode(fmt.Sprintf("n%d", i+1), false); err != nil {
			return nil, err
		}
	}
	for i := range gatewayNodes {
		if err := c.startNode(fmt.Sprintf("g%d", i+1), true); err != nil {
			return nil, err
		}
	}
	if err := c.awaitNodes(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *cluster) logFile(name string) string    { return filepath.Join(c.dir, "logs", name+".log") }
func (c *cluster) secretFile(name string) string { return filepath.Join(c.dir, name) }
func (c *cluster) stackDir() string              { return filepath.Join(c.dir, "dev") }

// memberDir is where `holdfast dev` has the data of a member.
func (c *cluster) memberDir(name string) string {
	return filepath.Join(c.stackDir(), "members", name)
}

// stop ends everything: nodes, while etcd and NATS are still there, then those.
func (c *cluster) stop() error {
	err := c.stopNodes()
	if c.stack != nil {
		err = errors.Join(err, c.stack.stop())
	}
	if c.small != nil {
		err = errors.Join(err, c.small.unmount())
	}
	c.wires.close()
	c.ports.release()
	c.launcher.close()
	return err
}

// stopNodes ends all nodes and gateways in good order, once.
func (c *cluster) stopNodes() error {
	all := c.everyone()
	errs := make([]error, len(all))
	var stopping sync.WaitGroup
	for i, n := range all {
		stopping.Go(func() { errs[i] = n.process.stop() })
	}
	stopping.Wait()
	return errors.Join(errs...)
}

// run runs a command of the program to its end and returns what it prints.
func (c *cluster) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.program[0], append(c.program[1:len(c.program):len(c.program)], args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("holdfast %s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// ctl runs a command of an operator at some node that is up.
func (c *cluster) ctl(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ctlPatience+time.Second)
	defer cancel()
	all := c.everyone()
	desk := all[0]
	for _, n := range all {
		if n.ready() {
			desk = n
			break
		}
	}
	return c.run(ctx, append([]string{
		"ctl", "--admin", desk.admin, "--admin-token-file", c.secretFile("admin.token"), "--timeout", ctlPatience.String(),
	}, args...)...)
}

// shardRow is a shard, as `ctl shards --json` has it.
type shardRow struct {
	Shard int `json:"shard"`
	Owner struct {
		Node string `json:"node"`
	} `json:"owner"`
	Assigned string `json:"assigned"`
}

// shards says who owns what.
func (c *cluster) shards(ctx context.Context) ([]shardRow, error) {
	out, err := c.ctl(ctx, "shards", "--json")
	if err != nil {
		return nil, err
	}
	var all struct {
		Shards []shardRow `json:"shards"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("read shards: %w", err)
	}
	return all.Shards, nil
}
