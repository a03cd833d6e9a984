package journal

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// verdict is what `journal check` has found.
type verdict struct {
	OK bool `json:"ok"`
	// Whole: everything had to go back to the first event.
	Whole  bool        `json:"whole"`
	Checks []*check    `json:"checks"`
	Logs   []logRow    `json:"logs"`
	Shards []*shardRow `json:"shards"`

	entries, owners, events, checkpoints *check
}

// check is one thing that was checked.
type check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Examined counts Of.
	Examined uint64 `json:"examined"`
	Of       string `json:"of"`
	// Skipped says why it was not checked, or not to the end.
	Skipped string `json:"skipped,omitempty"`
	// Failed counts what was wrong; the first of it is told.
	Failed   int      `json:"failed"`
	Failures []string `json:"failures,omitempty"`
}

// toldFailures bounds how much is told: what is wrong once is often wrong
// thousands of times.
const toldFailures = 20

func (c *check) fail(format string, args ...any) {
	c.Failed++
	if len(c.Failures) < toldFailures {
		c.Failures = append(c.Failures, fmt.Sprintf(format, args...))
	}
}

func (c *check) skip(why string) { c.Skipped = why }

func (c *check) ok() bool { return c.Failed == 0 && c.Skipped == "" }

// logRow is one log.
type logRow struct {
	Log      cluster.LogName     `json:"log"`
	First    cluster.LogSeq      `json:"first"`
	Last     cluster.LogSeq      `json:"last"`
	Seal     cluster.LogSeq      `json:"seal,omitempty"`
	SealedBy cluster.Incarnation `json:"sealed_by,omitempty"`
}

// shardRow is what the logs say about one shard.
type shardRow struct {
	Shard  cluster.ShardID `json:"shard"`
	Epoch  cluster.Epoch   `json:"epoch"`
	Actors int             `json:"actors"`
	// Events that were applied for it.
	Events uint64 `json:"events"`
	// Begun is how many of its actors begin with their first event; the others
	// with a checkpoint.
	Begun int `json:"begun"`
	// StateHash is what checkpoints and audits call so, of the state that the
	// fold has come to.
	StateHash string `json:"state_hash"`
}

func newVerdict(m *moment, whole bool) *verdict {
	v := &verdict{
		Whole:       whole,
		entries:     &check{Name: "entries", Of: "entries"},
		owners:      &check{Name: "owners", Of: "records"},
		events:      &check{Name: "events", Of: "events"},
		checkpoints: &check{Name: "checkpoints", Of: "states"},
	}
	v.Checks = []*check{v.entries, v.owners, v.events, v.checkpoints}
	for _, l := range m.logs {
		v.Logs = append(v.Logs, logRow{l.name, l.First, l.Last, l.Seal, l.SealedBy})
	}
	return v
}

// done sums up.
func (v *verdict) done() *verdict {
	v.OK = true
	for _, c := range v.Checks {
		c.OK = c.ok()
		v.OK = v.OK && c.OK
	}
	return v
}

// print tells people, or programs.
func (v *verdict) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range v.Checks {
		word := "ok"
		switch {
		case c.Failed > 0:
			word = "NOT SO"
		case c.Skipped != "":
			word = "not checked"
		}
		fmt.Fprintf(t, "%s\t%s\t%d %s\n", c.Name, word, c.Examined, c.Of)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range v.Checks {
		for _, f := range c.Failures {
			fmt.Fprintf(w, "%s: %s\n", c.Name, f)
		}
		if more := c.Failed - len(c.Failures); more > 0 {
			fmt.Fprintf(w, "%s: and %d more\n", c.Name, more)
		}
		if c.Skipped != "" {
			fmt.Fprintf(w, "%s: not checked: %s\n", c.Name, c.Skipped)
		}
	}
	actors, begun := 0, 0
	for _, s := range v.Shards {
		actors, begun = actors+s.Actors, begun+s.Begun
	}
	_, err := fmt.Fprintf(w, "%d logs, %d shards, %d actors, %d of them from their first event on\n", len(v.Logs), len(v.Shards), actors, begun)
	return err
}

func endOf(s *clusterv1.Segment) string {
	if s.To == nil {
		return "the end"
	}
	return strconv.FormatUint(s.GetTo(), 10)
}

// hex is how state hashes are written.
func hex(hash uint64) string { return fmt.Sprintf("%016x", hash) }
