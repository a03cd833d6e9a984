package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// prediction is what `simulate rebalance` foretells. Times are in seconds on the
// tape.
type prediction struct {
	Tape string `json:"tape"`
	// Hashed: players are not in the shards that they are in.
	Hashed bool `json:"hashed"`
	// Damage says why the tape was not read to its end.
	Damage   string             `json:"damage,omitempty"`
	Seconds  float64            `json:"seconds"`
	Seen     seen               `json:"seen"`
	Shards   int                `json:"shards"`
	Nodes    []cluster.NodeName `json:"nodes"`
	Timeline []carried          `json:"timeline"`
	// Proposal is what the operator's rebalance was to do; nil without one.
	Proposal *proposal `json:"proposal,omitempty"`
	Moves    []move    `json:"moves"`
	// Waited are the commands that came while nobody served their shard.
	Waited uint64 `json:"waited"`
}

// carried is what each node had to do for a while.
type carried struct {
	From  float64                   `json:"from"`
	To    float64                   `json:"to"`
	Nodes map[cluster.NodeName]load `json:"nodes"`
	// Peak is the load of the busiest node over the mean of all.
	Peak float64 `json:"peak"`
}

type load struct {
	Shards int `json:"shards"`
	// Commands per second.
	Commands float64 `json:"commands"`
}

// move is a shard that comes to another node.
type move struct {
	At     float64          `json:"at"`
	Shard  cluster.ShardID  `json:"shard"`
	From   cluster.NodeName `json:"from"`
	To     cluster.NodeName `json:"to"`
	Weight float64          `json:"weight"`
	Why    string           `json:"why"`
	TookMs float64          `json:"took_ms"`
	// StallMs is for how long nobody serves it, and Waited what came meanwhile.
	StallMs float64 `json:"stall_ms"`
	Waited  uint64  `json:"waited"`
}

// proposal is a plan as it was made.
type proposal struct {
	Moves  int                          `json:"moves"`
	Before map[cluster.NodeName]float64 `json:"before"`
	After  map[cluster.NodeName]float64 `json:"after"`
	// SpreadBefore and SpreadAfter say by how much the farthest node is off, as a
	// part of an even share.
	SpreadBefore float64 `json:"spread_before"`
	SpreadAfter  float64 `json:"spread_after"`
}

func proposalOf(p cluster.Proposal) *proposal {
	return &proposal{Moves: len(p.Moves), Before: p.Before, After: p.After, SpreadBefore: p.SpreadBefore, SpreadAfter: p.Spread}
}

// print tells people, or programs.
func (p *prediction) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "%s: %v, %d requests of %d players, %d commands to %d shards\n",
		p.Tape, clock(p.Seconds), p.Seen.Requests, p.Seen.Players, p.Seen.Commands, p.Shards)
	if p.Damage != "" {
		fmt.Fprintf(t, "not read to its end: %s\n", p.Damage)
	}
	if p.Hashed {
		fmt.Fprintln(t, "players are hashed: in a cluster they are in other shards")
	}
	fmt.Fprint(t, "\nUNTIL")
	for _, n := range p.Nodes {
		fmt.Fprintf(t, "\t%s\t", n)
	}
	fmt.Fprintln(t, "\tBUSIEST")
	for _, c := range p.Timeline {
		fmt.Fprintf(t, "%v", clock(c.To))
		for _, n := range p.Nodes {
			fmt.Fprintf(t, "\t%.0f/s\t%d shards", c.Nodes[n].Commands, c.Nodes[n].Shards)
		}
		fmt.Fprintf(t, "\t%.2f of the mean\n", c.Peak)
	}
	if o := p.Proposal; o != nil {
		fmt.Fprintf(t, "\nthe operator's rebalance has %d moves: the farthest node is off by %.0f %%, afterwards by %.0f %%\n",
			o.Moves, 100*o.SpreadBefore, 100*o.SpreadAfter)
	}
	if len(p.Moves) == 0 {
		fmt.Fprintln(t, "\nnothing moves")
		return t.Flush()
	}
	fmt.Fprintln(t, "\nAT\tSHARD\tFROM\tTO\tWEIGHT\tWHY\tSTALL\tWAIT")
	for _, m := range p.Moves {
		fmt.Fprintf(t, "%v\t%s\t%s\t%s\t%.0f\t%s\t%.0f ms\t%d\n", clock(m.At), m.Shard, m.From, m.To, m.Weight, m.Why, m.StallMs, m.Waited)
	}
	fmt.Fprintf(t, "\n%d moves, %d commands wait for them\n", len(p.Moves), p.Waited)
	return t.Flush()
}

func clock(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(100 * time.Millisecond)
}
