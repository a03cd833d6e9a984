package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// rebalanceConfig is what `simulate rebalance` was asked for.
type rebalanceConfig struct {
	tape          string
	nodes, shards int
	owners        string
	weights       map[string]string
	every, order  time.Duration
	lead          time.Duration
	stall, takes  time.Duration
	loop          int
	asJSON        bool
}

func rebalanceCommand() *cobra.Command {
	var cfg rebalanceConfig
	c := &cobra.Command{
		Use:   "rebalance --tape TAPE",
		Short: "Foretell what each node would carry under recorded traffic, and what would move",
		Long: `Foretell what each node would carry under the traffic on a tape, and which shards the
planner would move when, for how long nobody would serve them, and how many requests
would wait for that. The planner is the real one, with its pace and its tolerances, and
so is how loads are measured and weighed; nodes and time are simulated, so that an hour
takes a second.

Of the tape only the requests count that gateways send to an actor, each for the shard of
that actor. Messages between actors do not, as in every plan. Shards are taken to hold
the actors that the tape has named, and no bytes to speak of. Players are in the shards
that they are in if the tape names them, and in others if it has hashed their ids: the
sum is alike then, and which shard is heavy is not.

A cluster begins with its shards spread by number, or as in --owners, which is what
'ctl shards --json' prints; nodes beyond those named there join in the beginning. The
planner begins to move load by itself when a node is off by a fifth for long enough;
--order has an operator ask for it, at that time on the tape.

--weights has some commands count for more or less than one: buy=3,intent=0.2. No
cluster weighs that way: it shows what a plan by cost would do.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := foretell(c.Context(), cfg)
			if err != nil {
				return exit.Unstarted(err)
			}
			return p.print(c.OutOrStdout(), cfg.asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.tape, "tape", "", "the recorded traffic")
	f.IntVar(&cfg.nodes, "nodes", 3, "how many nodes the cluster has")
	f.IntVar(&cfg.shards, "shards", 64, "how many shards, unless --owners says so")
	f.StringVar(&cfg.owners, "owners", "", "a file that says who owns which shard in the beginning")
	f.StringToStringVar(&cfg.weights, "weights", nil, "what commands count for, when not for one")
	f.DurationVar(&cfg.every, "every", 10*time.Second, "what is told of each node is an average over this")
	f.DurationVar(&cfg.order, "order", -1, "when an operator asks for a rebalance (default: never)")
	f.DurationVar(&cfg.lead, "lead", time.Minute, "how long the cluster is idle before the tape begins")
	f.DurationVar(&cfg.stall, "stall", 20*time.Millisecond, "how long nobody serves a shard that moves")
	f.DurationVar(&cfg.takes, "takes", 150*time.Millisecond, "how long a move takes, with the stall at its end")
	f.IntVar(&cfg.loop, "loop", 1, "play the tape so many times, one after the other")
	f.BoolVar(&cfg.asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("tape") // the flag exists
	return c
}

func (c *rebalanceConfig) validate() error {
	switch {
	case c.nodes < 1:
		return fmt.Errorf("--nodes: %d, must be at least 1", c.nodes)
	case c.every < time.Second:
		return fmt.Errorf("--every: %v, must be at least 1s", c.every)
	case c.lead < 0:
		return fmt.Errorf("--lead: %v, must not be negative", c.lead)
	case c.stall < 0 || c.takes < c.stall:
		return fmt.Errorf("--takes: %v, must be at least the stall of %v", c.takes, c.stall)
	case c.loop < 1:
		return fmt.Errorf("--loop: %d, must be at least 1", c.loop)
	}
	return nil
}

// prices reads --weights.
func (c *rebalanceConfig) prices() (map[string]float64, error) {
	out := make(map[string]float64)
	for name, text := range c.weights {
		w, err := strconv.ParseFloat(text, 64)
		switch {
		case !slices.Contains(commandNames, name):
			return nil, fmt.Errorf("--weights: there is no command %q; there are %s", name, strings.Join(commandNames, ", "))
		case err != nil || !(w >= 0 && w <= 1e6):
			return nil, fmt.Errorf("--weights: %s=%s, must be a number from 0 to a million", name, text)
		}
		out[name] = w
	}
	return out, nil
}

// placement says which nodes there are, and who owns which shard in the beginning.
func (c *rebalanceConfig) placement() (nodes, owners []cluster.NodeName, err error) {
	if c.owners != "" {
		text, err := os.ReadFile(c.owners)
		if err != nil {
			return nil, nil, fmt.Errorf("--owners: %w", err)
		}
		var m adminv1.ShardsResponse
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &m); err != nil {
			return nil, nil, fmt.Errorf("--owners: %s is not what ctl shards --json prints: %w", c.owners, err)
		}
		if len(m.GetShards()) == 0 {
			return nil, nil, fmt.Errorf("--owners: %s names no shards", c.owners)
		}
		for _, row := range m.GetShards() {
			owners = append(owners, cluster.NodeName(row.GetOwner().GetNode()))
		}
		there := make(map[cluster.NodeName]bool)
		for _, n := range owners {
			there[n] = n != ""
		}
		nodes = slices.DeleteFunc(slices.Sorted(maps.Keys(there)), func(n cluster.NodeName) bool { return !there[n] })
		c.shards = len(owners)
	}
	if len(nodes) > c.nodes {
		return nil, nil, fmt.Errorf("--nodes: %d, and --owners names %d", c.nodes, len(nodes))
	}
	for i := 1; len(nodes) < c.nodes; i++ {
		if n := cluster.NodeName(fmt.Sprintf("node-%d", i)); !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	return nodes, owners, nil
}

// foretell plays the tape to a cluster on paper.
func foretell(ctx context.Context, cfg rebalanceConfig) (_ *prediction, err error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	prices, err := cfg.prices()
	if err != nil {
		return nil, err
	}
	nodes, owners, err := cfg.placement()
	if err != nil {
		return nil, err
	}
	in, err := tape.Open(cfg.tape)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info := in.Info()
	p := &playing{cfg: cfg, demand: newDemand(cfg.shards, prices), out: &prediction{
		Tape: cfg.tape, Hashed: info.Hashed, Shards: cfg.shards, Nodes: nodes, Timeline: []carried{}, Moves: []move{},
	}}
	start := time.Unix(0, 0).UTC().Add(-cfg.lead)
	p.paper, err = cluster.NewRehearsal(cluster.RehearsalConfig{
		Nodes: nodes, Shards: cfg.shards, Owners: owners, Start: start,
		Takes: func(_ cluster.ShardID, from, _ cluster.NodeName) time.Duration {
			if from == "" {
				return cfg.takes - cfg.stall // a claim of what nobody holds stalls nobody who was served
			}
			return cfg.takes
		},
	})
	if err != nil {
		return nil, err
	}
	p.begin()
	for range cfg.loop {
		if err := p.play(ctx, in); err != nil {
			return nil, err
		}
	}
	return p.finish(), nil
}
