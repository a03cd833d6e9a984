package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal"
)

func catCommand(from *source, added []actors.Kind) *cobra.Command {
	var only filter
	c := &cobra.Command{
		Use:   "cat",
		Short: "Print the logs for people",
		Long: `Print the logs for people, log by log in the order in which they were begun, each
entry with its records:

  log hf_…_a-7587, entries 1 to 4, begun 2026-11-27T18:00:00Z
       1  shard 7 epoch 2    player/p1 #3    {"completed":{…}}
          shard 9 epoch 1    stock/s/0 #41   {"reserved":{…}}
       2  …
       5  sealed by b-7590

#3 is the third event of that actor. An event that this program cannot decode is in
hexadecimal, and the command ends with 1. What was purged, and what stands behind a
seal, is not there. For programs there is dump.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return from.list(c, added, &only, func(w *bufio.Writer, events *decoder) printer {
				return &pagePrinter{events: events, w: w}
			})
		},
	}
	only.addFlags(c.Flags())
	return c
}

// pagePrinter writes for people.
type pagePrinter struct {
	events *decoder
	w      *bufio.Writer
	log    logExtent
	// headed: the log's heading is written, and shown is the entry whose number is.
	headed bool
	shown  cluster.LogSeq
	logs   int
	text   bytes.Buffer
}

func (p *pagePrinter) begin(l logExtent) { p.log, p.headed, p.shown = l, false, 0 }

// heading is written once there is anything to be written of a log.
func (p *pagePrinter) heading() {
	if p.headed {
		return
	}
	p.headed = true
	if p.logs++; p.logs > 1 {
		fmt.Fprintln(p.w)
	}
	fmt.Fprintf(p.w, "log %s, entries %d to %d, begun %s\n", p.log.name, p.log.First, p.log.Last, p.log.Created.UTC().Format(time.RFC3339))
}

func (p *pagePrinter) record(_ cluster.LogName, e *journal.Entry, rec *journal.Record) error {
	p.heading()
	if p.shown != e.Seq {
		p.shown = e.Seq
		fmt.Fprintf(p.w, "%8d", e.Seq)
	} else {
		fmt.Fprintf(p.w, "%8s", "")
	}
	fmt.Fprintf(p.w, "  %-20s  %-32s  ", fmt.Sprintf("shard %s epoch %d", rec.Shard, rec.Epoch), fmt.Sprintf("%s/%s #%d", rec.Kind, rec.ID, rec.Seq))
	if _, text, err := p.events.decode(rec); err != nil {
		fmt.Fprintf(p.w, "%x (%v)\n", rec.Event, err)
	} else {
		p.text.Reset()
		// The message's own JSON has spaces where it likes.
		if err := json.Compact(&p.text, text); err != nil {
			return err
		}
		p.text.WriteByte('\n')
		_, _ = p.text.WriteTo(p.w) // the error stays with p.w, and comes with Flush
	}
	return nil
}

func (p *pagePrinter) seal(_ cluster.LogName, at cluster.LogSeq, by cluster.Incarnation) error {
	p.heading()
	fmt.Fprintf(p.w, "%8d  sealed by %s\n", at, by)
	return nil
}
