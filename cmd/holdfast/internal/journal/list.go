package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/refold"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// printer writes what stands in logs, for people or for programs.
type printer interface {
	begin(l logExtent)
	record(log cluster.LogName, e *journal.Entry, rec *journal.Record) error
	seal(log cluster.LogName, at cluster.LogSeq, by cluster.Incarnation) error
}

// filter says what to print. Seals are printed unless records of one shard or
// actor are asked for.
type filter struct {
	log      string
	shard    int // -1: all
	actor    string
	from, to uint64 // entries; 0: no bound
}

func (f *filter) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.log, "log", "", "only this log")
	flags.IntVar(&f.shard, "shard", -1, "only records of this shard")
	flags.StringVar(&f.actor, "actor", "", "only records of this actor: kind/id")
	flags.Uint64Var(&f.from, "from", 0, "only entries with this number or a higher one")
	flags.Uint64Var(&f.to, "to", 0, "only entries with this number or a lower one")
}

// validate says which flag asks for what there cannot be: nothing would be printed
// for it, as for what has not happened.
func (f *filter) validate(r *reader, logs []logExtent) error {
	if err := r.checkShard(f.shard); err != nil {
		return err
	}
	kind, id, _ := strings.Cut(f.actor, "/")
	isLog := func(l logExtent) bool { return f.log == string(l.name) }
	switch {
	case f.actor != "" && (kind == "" || id == ""):
		return exit.Unstarted(fmt.Errorf("--actor: %q, must be kind/id, such as player/ann", f.actor))
	case f.to > 0 && f.to < f.from:
		return exit.Unstarted(fmt.Errorf("--to: %d, is before --from, %d", f.to, f.from))
	case f.log != "" && !slices.ContainsFunc(logs, isLog):
		return exit.Unstarted(fmt.Errorf("--log: there is no log %s; cat and dump without it name those that there are", f.log))
	}
	return nil
}

func (f *filter) seals() bool { return f.shard < 0 && f.actor == "" }

func (f *filter) record(r *journal.Record) bool {
	if f.shard >= 0 && r.Shard != cluster.ShardID(f.shard) {
		return false
	}
	kind, id, _ := strings.Cut(f.actor, "/")
	return f.actor == "" || r.Kind == kind && r.ID == id
}

// list runs a command that prints all logs. It holds no more of them in memory
// than journal.Scan does.
func (s *source) list(c *cobra.Command, added []actors.Kind, only *filter, format func(*bufio.Writer, *decoder) printer) error {
	kinds, err := registry(added)
	if err != nil {
		return exit.Unstarted(err)
	}
	return s.read(c, func(r *reader) error {
		out := bufio.NewWriterSize(c.OutOrStdout(), 1<<20)
		events := &decoder{folder: refold.New(kinds)}
		err := errors.Join(r.list(c.Context(), format(out, events), only), out.Flush())
		if err == nil && events.unknown > 0 {
			err = fmt.Errorf("%d records could not be decoded: is this the program that the nodes run?", events.unknown)
		}
		return err
	})
}

func (r *reader) list(ctx context.Context, p printer, only *filter) error {
	logs, err := r.logs(ctx)
	if err != nil {
		return err
	}
	if err := only.validate(r, logs); err != nil {
		return err
	}
	for _, l := range logs {
		if only.log != "" && only.log != string(l.name) {
			continue
		}
		if err := r.listOne(ctx, p, only, l); err != nil {
			return err
		}
	}
	return nil
}

// listOne prints one log. The node that writes it may purge its beginning
// meanwhile: what is there when the reading begins is printed.
func (r *reader) listOne(ctx context.Context, p printer, only *filter, l logExtent) error {
	for try := 1; ; try++ {
		printed := false
		first, to := max(l.First, cluster.LogSeq(only.from)), cluster.LogSeq(0)
		if only.to > 0 {
			to = min(l.Last, cluster.LogSeq(only.to))
			if to < first {
				return nil
			}
		}
		if first > l.Last+1 {
			return nil
		}
		p.begin(l)
		last, _, err := journal.Scan(ctx, r.js, l.name, first, to, func(e *journal.Entry) error {
			printed = true
			for i := range e.Records {
				if rec := &e.Records[i]; only.record(rec) {
					if err := p.record(l.name, e, rec); err != nil {
						return fmt.Errorf("print: %w", err)
					}
				}
			}
			return nil
		})
		switch {
		case err == nil && to > 0:
			return nil
		case err == nil:
			return r.listSeal(ctx, p, only, l.name, last)
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

func (r *reader) listSeal(ctx context.Context, p printer, only *filter, name cluster.LogName, last cluster.LogSeq) error {
	if !only.seals() {
		return nil
	}
	x, err := journal.Measure(ctx, r.js, name)
	if errors.Is(err, journal.ErrNoLog) || err == nil && x.Seal != last+1 {
		return nil // it was sealed, or removed, after it was read
	}
	if err != nil {
		return err
	}
	return p.seal(name, x.Seal, x.SealedBy)
}

// decoder makes events readable.
type decoder struct {
	folder  *refold.Folder
	unknown int
}

// decode returns the name of the message that a record's event is, and its JSON.
func (d *decoder) decode(rec *journal.Record) (name string, text json.RawMessage, err error) {
	m, err := d.folder.Decode(rec.Kind, rec.Event)
	if err == nil {
		name = string(m.ProtoReflect().Descriptor().Name())
		text, err = protojson.Marshal(m)
	}
	if err != nil {
		d.unknown++
	}
	return name, text, err
}
