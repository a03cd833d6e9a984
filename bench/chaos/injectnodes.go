package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// gatewayShare is the share of kills and pauses that hit a gateway.
const gatewayShare = 4 // one in so many

// victim chooses a node, or now and then a gateway.
func (c *cluster) victim(dice uint64) *node {
	if dice%gatewayShare == 0 {
		return c.gateways[dice/gatewayShare%uint64(len(c.gateways))]
	}
	return c.nodes[dice/gatewayShare%uint64(len(c.nodes))]
}

func injectKill(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.victim(f.Dice)
	n.process.kill()
	return &injury{target: n.name, node: n.name, heal: func(context.Context) error {
		n.process.release()
		return nil
	}}, nil
}

func injectPause(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.victim(f.Dice)
	if err := n.process.freeze(); err != nil {
		return nil, skip(err.Error())
	}
	return &injury{target: n.name, node: n.name, heal: func(context.Context) error { return n.process.thaw() }}, nil
}

// way chooses a direction.
func way(dice uint64) direction {
	return []direction{both, up, down}[dice>>8%3]
}

func injectCutEtcd(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.victim(f.Dice)
	return cut(n.name, "etcd", n.etcd, f)
}

func injectCutNATS(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.nodes[f.Dice%uint64(len(c.nodes))] // a gateway needs it only for broadcasts
	return cut(n.name, "NATS", n.nats, f)
}

func injectCutPeer(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.nodes[f.Dice%uint64(len(c.nodes))]
	return cut(n.name, "its peers", []*wire{n.peer}, f)
}

func injectCutGateway(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.gateways[f.Dice%uint64(len(c.gateways))]
	return cut("", "what nodes send to "+n.name, []*wire{n.peer}, f)
}

// cut cuts some wires in one direction, or both.
func cut(node, what string, wires []*wire, f *Fault) (*injury, error) {
	d := way(f.Dice)
	name := fmt.Sprintf("cut-%d", f.At) // two faults may hit one wire
	return change(wires, name, strings.TrimPrefix(fmt.Sprintf("%s, %s, %s", node, what, d), ", "), node,
		func(w *wire) error { return w.cut(name, d) })
}

// change does something to some wires, all or none.
func change(wires []*wire, name, target, node string, do func(*wire) error) (*injury, error) {
	heal := func(context.Context) error {
		var err error
		for _, w := range wires {
			err = errors.Join(err, w.heal(name))
		}
		return err
	}
	for _, w := range wires {
		if err := do(w); err != nil {
			return nil, errors.Join(err, heal(context.Background()))
		}
	}
	return &injury{target: target, node: node, heal: heal}, nil
}

// around is all wires around a node, and the name of a group of them.
func (n *node) around(dice uint64) (group string, wires []*wire) {
	groups := []struct {
		name  string
		wires []*wire
	}{{"etcd", n.etcd}, {"NATS", n.nats}, {"its peers", []*wire{n.peer}}}
	if n.gateway {
		groups = append(groups, struct {
			name  string
			wires []*wire
		}{"its clients", []*wire{n.clients}})
	}
	g := groups[dice>>16%uint64(len(groups))]
	return g.name, g.wires
}

func injectLatency(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.victim(f.Dice)
	group, wires := n.around(f.Dice)
	latency := 10*time.Millisecond + time.Duration(f.Dice>>24%190)*time.Millisecond
	name := fmt.Sprintf("slow-%d", f.At)
	return change(wires, name, fmt.Sprintf("%s, %s, %s each way", n.name, group, latency), n.name,
		func(w *wire) error { return w.slow(name, latency, latency/2) })
}

func injectDropReplies(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.victim(f.Dice)
	group, wires := n.around(f.Dice)
	after := time.Duration(f.Dice>>24%200) * time.Millisecond
	name := fmt.Sprintf("drop-%d", f.At)
	return change(wires, name, fmt.Sprintf("%s, %s, reset after %s", n.name, group, after), n.name,
		func(w *wire) error { return w.dropReplies(name, after) })
}
