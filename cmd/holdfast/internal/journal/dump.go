package journal

import (
	"bufio"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

func dumpCommand(from *source, added []actors.Kind) *cobra.Command {
	var only filter
	c := &cobra.Command{
		Use:   "dump",
		Short: "Print every record of every log as a line of JSON",
		Long: `Print every record of every log as a line of JSON, log by log in the order in
which they were begun, each in the order of its entries up to its seal:

  {"log":"…","entry":12,"incarnation":"…","kind":"player","id":"p1","seq":3,
   "shard":7,"epoch":2,"type":"PlayerEvent","event":{…}}
  {"log":"…","entry":13,"seal":true,"by":"…"}

An event that this program cannot decode is in "raw" instead, in base 64, and the
command ends with 1. What was purged, and what stands behind a seal, is not there.
For people there is cat.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return from.list(c, added, &only, func(w *bufio.Writer, events *decoder) printer {
				p := &linePrinter{events: events, json: json.NewEncoder(w)}
				p.json.SetEscapeHTML(false)
				return p
			})
		},
	}
	only.addFlags(c.Flags())
	return c
}

// recordLine is one record.
type recordLine struct {
	Log         cluster.LogName     `json:"log"`
	Entry       cluster.LogSeq      `json:"entry"`
	Incarnation cluster.Incarnation `json:"incarnation"`
	Kind        string              `json:"kind"`
	ID          string              `json:"id"`
	Seq         uint64              `json:"seq"`
	Shard       cluster.ShardID     `json:"shard"`
	Epoch       cluster.Epoch       `json:"epoch"`
	Type        string              `json:"type,omitempty"`
	Event       json.RawMessage     `json:"event,omitempty"`
	Raw         []byte              `json:"raw,omitempty"`
}

// sealLine is the seal that ends a log.
type sealLine struct {
	Log   cluster.LogName     `json:"log"`
	Entry cluster.LogSeq      `json:"entry"`
	Seal  bool                `json:"seal"`
	By    cluster.Incarnation `json:"by"`
}

// linePrinter writes lines of JSON.
type linePrinter struct {
	events *decoder
	json   *json.Encoder
}

func (p *linePrinter) begin(logExtent) {}

func (p *linePrinter) record(log cluster.LogName, e *journal.Entry, rec *journal.Record) error {
	line := recordLine{
		Log: log, Entry: e.Seq, Incarnation: e.Incarnation,
		Kind: rec.Kind, ID: rec.ID, Seq: rec.Seq, Shard: rec.Shard, Epoch: rec.Epoch,
	}
	var err error
	if line.Type, line.Event, err = p.events.decode(rec); err != nil {
		line.Raw = rec.Event
	}
	return p.json.Encode(&line)
}

func (p *linePrinter) seal(log cluster.LogName, at cluster.LogSeq, by cluster.Incarnation) error {
	return p.json.Encode(sealLine{Log: log, Entry: at, Seal: true, By: by})
}
