package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// movesAtOnce is how many shards one fault of kind move sends elsewhere.
const movesAtOnce = 4

func injectMove(ctx context.Context, c *cluster, f *Fault) (*injury, error) {
	random := rand.New(rand.NewPCG(f.Dice, 0))
	shards, err := c.shards(ctx)
	if err != nil {
		return nil, skip(err.Error())
	}
	var moves []string
	for range movesAtOnce {
		s, n := shards[random.IntN(len(shards))], c.nodes[random.IntN(len(c.nodes))]
		move := fmt.Sprintf("%d %s -> %s", s.Shard, s.Owner.Node, n.name)
		// A node that is down is refused: that is an answer too.
		if _, err := c.ctl(ctx, "move", strconv.Itoa(s.Shard), n.name); err != nil {
			move += " (refused)"
		}
		moves = append(moves, move)
	}
	return &injury{target: strings.Join(moves, ", "), heal: noHeal}, nil
}

func noHeal(context.Context) error { return nil }

func injectDrain(ctx context.Context, c *cluster, f *Fault) (*injury, error) {
	n := c.nodes[f.Dice%uint64(len(c.nodes))]
	if _, err := c.ctl(ctx, "drain", n.name); err != nil {
		return nil, skip(err.Error())
	}
	return &injury{target: n.name, heal: func(ctx context.Context) error { return c.undrain(ctx, n) }}, nil
}

// undrain asks until it is done: a node that stays drained would spoil the rest.
func (c *cluster) undrain(ctx context.Context, n *node) error {
	for {
		_, err := c.ctl(ctx, "undrain", n.name)
		if err == nil || !pause(ctx, restartPause) {
			return err
		}
	}
}

func injectRebalance(ctx context.Context, c *cluster, _ *Fault) (*injury, error) {
	if _, err := c.ctl(ctx, "rebalance"); err != nil {
		return nil, skip(err.Error())
	}
	return &injury{target: "all", heal: noHeal}, nil
}
