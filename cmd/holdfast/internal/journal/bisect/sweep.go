package bisect

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/actors"
)

// plan says what to fold, and in which ranges.
type plan struct {
	only map[actors.Ref]bool // nil: all actors
	// Items from..to-1 are folded step at a time, those before in ranges of
	// Config.Every, and nothing after them.
	from, to, step uint64
}

const maxIndex = 1<<64 - 1

// end returns the end of the range that item i is the first of; false when
// nothing is to be folded any more.
func (p *plan) end(i, every uint64) (uint64, bool) {
	switch {
	case p.from == maxIndex:
		return i + every, true
	case i < p.from:
		return min(i+every, p.from), true
	default:
		return min(i+p.step, p.to), i < p.to
	}
}

// stretch is a range of items on its way to the builds.
type stretch struct {
	first, last uint64 // indices in the whole history
	items       int    // of those that the plan wants
	body        []byte
	touched     []actors.Ref
	item        Item // the first, for when it is the only one
	before      counts
}

// fullStretch is when a stretch is given to the builds although there is more of
// its range: events may be large.
const fullStretch = 4 << 20

// counts are of items.
type counts struct{ events, states uint64 }

// difference is a stretch after which the builds differ.
type difference struct {
	*stretch
	suspects map[actors.Ref]bool
}

// swept is what one pass over the history has found.
type swept struct {
	result Result
	// refused are the actors that neither build can fold.
	refused map[actors.Ref]bool
	differs *difference
	// found is set when the stretch that differs is one item.
	found *Finding
}

// ahead is how many stretches are read while the builds are busy.
const ahead = 4

var errStop = errors.New("enough was read")

// sweep starts both builds and has them fold what the plan says, until they
// differ.
func sweep(ctx context.Context, cfg *Config, p plan) (_ *swept, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var builds [2]*build
	for i, path := range []string{cfg.Good, cfg.Bad} {
		b, err := start(ctx, [...]string{"good", "bad"}[i], path, cfg.Args, cfg.Patience)
		if err != nil {
			return nil, err
		}
		defer b.end()
		builds[i] = b
	}
	out := &swept{refused: make(map[actors.Ref]bool), result: Result{Good: builds[0].version, Bad: builds[1].version}}
	queue := make(chan *stretch, ahead)
	var all counts // of the history
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(queue)
		err := cutUp(ctx, cfg, p, &all, queue)
		if errors.Is(err, errStop) {
			return nil
		}
		return err
	})
	seen := make(map[actors.Ref]bool)
	g.Go(func() error {
		for s := range queue {
			for _, ref := range s.touched {
				seen[ref] = true
			}
			if err := out.compare(builds, s); err != nil {
				return err
			}
			if out.differs != nil {
				return errStop // ends the reading
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	out.result.Events, out.result.States, out.result.Actors, out.result.Refused = all.events, all.states, len(seen), len(out.refused)
	return out, nil
}

// cutUp reads the history and cuts it into stretches. all are the counts of a
// history that was read to its end.
func cutUp(ctx context.Context, cfg *Config, p plan, all *counts, queue chan<- *stretch) error {
	var s *stretch
	var end, index uint64
	var total counts
	flush := func() error {
		if s == nil {
			return nil
		}
		select {
		case queue <- s:
			s = nil
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	touched := make(map[actors.Ref]bool)
	err := cfg.History(ctx, func(it *Item) error {
		i := index
		index++
		if s != nil && (i >= end || len(s.body) >= fullStretch) {
			if err := flush(); err != nil {
				return err
			}
		}
		if p.only == nil || p.only[it.Actor] {
			if s == nil {
				var more bool
				if end, more = p.end(i, uint64(cfg.Every)); !more {
					return errStop
				}
				s = &stretch{first: i, before: total}
				clear(touched)
			}
			s.last, s.items = i, s.items+1
			s.body = appendItem(s.body, it)
			if s.items == 1 {
				s.item = *it
				s.item.Data = bytes.Clone(it.Data)
			}
			if !touched[it.Actor] {
				touched[it.Actor] = true
				s.touched = append(s.touched, it.Actor)
			}
		}
		if it.State {
			total.states++
		} else {
			total.events++
		}
		return nil
	})
	if err != nil {
		return err
	}
	*all = total
	return flush()
}

// compare has both builds fold a stretch, at the same time, and notes if they
// differ.
func (out *swept) compare(builds [2]*build, s *stretch) error {
	var made [2][]Outcome
	var both errgroup.Group
	for i, b := range builds {
		both.Go(func() error {
			made[i], _ = b.fold(s.body, len(s.touched)) // the error stays with the build
			return nil
		})
	}
	_ = both.Wait()
	good, bad := builds[0].ended, builds[1].ended
	d := &difference{stretch: s, suspects: make(map[actors.Ref]bool)}
	for i, ref := range s.touched {
		switch {
		case good != nil || bad != nil:
			d.suspects[ref] = true
		case !made[0][i].same(made[1][i]):
			d.suspects[ref] = true
		case made[0][i].Refused != "":
			out.refused[ref] = true
		}
	}
	if len(d.suspects) == 0 {
		return nil
	}
	out.differs = d
	switch {
	case s.items > 1:
		return nil
	case good != nil && bad != nil:
		return fmt.Errorf("neither build survives %s of %s, log %s entry %d record %d: %w; %w",
			s.item.what(), s.item.Actor, s.item.Where.Log, s.item.Where.Entry, s.item.Where.Record, good, bad)
	}
	out.found = findingOf(&s.item, builds, made)
	return nil
}

// what names an item among those of its actor.
func (it *Item) what() string {
	if it.State {
		return fmt.Sprintf("the state after event %d", it.Seq)
	}
	return fmt.Sprintf("event %d", it.Seq)
}

// findingOf asks both builds what the last item has made of its actor.
func findingOf(it *Item, builds [2]*build, made [2][]Outcome) *Finding {
	f := &Finding{Item: *it, Kind: it.Actor.Kind, ID: it.Actor.ID, Seq: it.Seq, Where: it.Where, Restored: it.State}
	event := it.Data
	if it.State {
		event = nil
	}
	for i, side := range []*Side{&f.Good, &f.Bad} {
		if ended := builds[i].ended; ended != nil {
			side.Refused = ended.Error()
			continue
		}
		if o := made[i][0]; o.Refused != "" {
			side.Refused = o.Refused
		} else {
			side.Hash = fmt.Sprintf("%016x", o.Hash)
		}
		state, text := builds[i].show(it.Actor, event)
		side.State = state
		if len(f.Event) == 0 {
			f.Event = text
		}
	}
	f.Differences = differences(f.Good.State, f.Bad.State)
	return f
}
