package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
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
command ends with 1. What was purged, and what stands behind a seal, is not there.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			kinds, err := registry(added)
			if err != nil {
				return exit.Unstarted(err)
			}
			r, err := from.open(c.Context())
			if err != nil {
				return exit.Unstarted(err)
			}
			defer r.close()
			return r.dump(c.Context(), c.OutOrStdout(), kinds, &only)
		},
	}
	f := c.Flags()
	f.StringVar(&only.log, "log", "", "only this log")
	f.IntVar(&only.shard, "shard", -1, "only records of this shard")
	f.StringVar(&only.actor, "actor", "", "only records of this actor: kind/id")
	return c
}

// filter says what to print. Seals are printed unless records of one shard or
// actor are asked for.
type filter struct {
	log   string
	shard int // -1: all
	actor string
}

func (f *filter) seals() bool { return f.shard < 0 && f.actor == "" }

func (f *filter) record(r *journal.Record) bool {
	if f.shard >= 0 && r.Shard != cluster.ShardID(f.shard) {
		return false
	}
	kind, id, _ := strings.Cut(f.actor, "/")
	return f.actor == "" || r.Kind == kind && r.ID == id
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

// dump prints all logs. It holds no more of them in memory than journal.Scan
// does.
func (r *reader) dump(ctx context.Context, w io.Writer, kinds *actors.Registry, only *filter) error {
	logs, err := r.logs(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	p := printer{kinds: kinds, only: only, json: json.NewEncoder(out), events: make(map[string]proto.Message)}
	p.json.SetEscapeHTML(false)
	for _, l := range logs {
		if only.log != "" && only.log != string(l.name) {
			continue
		}
		if err := r.dumpLog(ctx, &p, l); err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if p.unknown > 0 {
		return fmt.Errorf("%d records could not be decoded: is this the program that the nodes run?", p.unknown)
	}
	return nil
}

// dumpLog prints one log. The node that writes it may purge its beginning
// meanwhile: what is there when the reading begins is printed.
func (r *reader) dumpLog(ctx context.Context, p *printer, l logExtent) error {
	for try := 1; ; try++ {
		printed := false
		last, _, err := journal.Scan(ctx, r.js, l.name, l.First, 0, func(e *journal.Entry) error {
			printed = true
			return p.entry(l.name, e)
		})
		switch {
		case err == nil:
			return r.dumpSeal(ctx, p, l.name, last)
		case errors.Is(err, journal.ErrNoLog):
			return nil // no shard needed it any more
		case !errors.Is(err, journal.ErrMissing) || printed || try == retries:
			return err
		}
		if l.Extent, err = journal.Measure(ctx, r.js, l.name); err != nil && !errors.Is(err, journal.ErrNoLog) {
			return err
		}
	}
}

func (r *reader) dumpSeal(ctx context.Context, p *printer, name cluster.LogName, last cluster.LogSeq) error {
	if !p.only.seals() {
		return nil
	}
	x, err := journal.Measure(ctx, r.js, name)
	if errors.Is(err, journal.ErrNoLog) || err == nil && x.Seal != last+1 {
		return nil // it was sealed, or removed, after it was read
	}
	if err != nil {
		return err
	}
	return p.json.Encode(sealLine{Log: name, Entry: x.Seal, Seal: true, By: x.SealedBy})
}

// printer turns entries into lines.
type printer struct {
	kinds *actors.Registry
	only  *filter
	json  *json.Encoder
	// events are decoded into, one of each kind.
	events  map[string]proto.Message
	unknown int
}

func (p *printer) entry(log cluster.LogName, e *journal.Entry) error {
	for i := range e.Records {
		rec := &e.Records[i]
		if !p.only.record(rec) {
			continue
		}
		line := recordLine{
			Log: log, Entry: e.Seq, Incarnation: e.Incarnation,
			Kind: rec.Kind, ID: rec.ID, Seq: rec.Seq, Shard: rec.Shard, Epoch: rec.Epoch,
		}
		var err error
		if line.Type, line.Event, err = p.event(rec); err != nil {
			p.unknown++
			line.Raw = rec.Event
		}
		if err := p.json.Encode(&line); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// event decodes a record's event: the name of its message, and its JSON.
func (p *printer) event(rec *journal.Record) (name string, text json.RawMessage, err error) {
	m, ok := p.events[rec.Kind]
	if !ok {
		kind, known := p.kinds.Kind(rec.Kind)
		if !known {
			return "", nil, fmt.Errorf("no kind of actor is called %q", rec.Kind)
		}
		m = kind.Event()
		p.events[rec.Kind] = m
	}
	if err := proto.Unmarshal(rec.Event, m); err != nil {
		return "", nil, fmt.Errorf("decode: %w", err)
	}
	text, err = protojson.Marshal(m)
	return string(m.ProtoReflect().Descriptor().Name()), text, err
}

// logExtent is one log as it was when the reading began.
type logExtent struct {
	name cluster.LogName
	journal.Extent
}

// retries bounds how often something is read again because the cluster has
// changed or removed it meanwhile.
const retries = 5

// logs returns the cluster's logs, in the order in which they were begun.
func (r *reader) logs(ctx context.Context) ([]logExtent, error) {
	names, err := journal.List(ctx, r.js, r.view.ClusterID())
	if err != nil {
		return nil, err
	}
	var out []logExtent
	for _, name := range names {
		x, err := journal.Measure(ctx, r.js, name)
		if errors.Is(err, journal.ErrNoLog) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		out = append(out, logExtent{name, x})
	}
	slices.SortFunc(out, func(a, b logExtent) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(string(a.name), string(b.name))
	})
	return out, nil
}
