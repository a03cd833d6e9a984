package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
	"github.com/holdfast-game/holdfast/shard/journal"
)

const (
	// purgePace is how often the own log is shortened.
	purgePace = 2 * time.Second
	// sweepPace is how often the logs of incarnations that are gone are looked
	// for.
	sweepPace = 10 * time.Second
	// orphanSweeps is how many sweeps in a row must find a log without an owner
	// before it is removed.
	orphanSweeps = 3
)

// janitor removes what no shard's record names any more: entries of the own
// log, and whole logs of incarnations that are gone.
func (inc *incarnation) janitor(ctx context.Context) {
	purge, sweep := time.NewTicker(purgePace), time.NewTicker(sweepPace)
	defer purge.Stop()
	defer sweep.Stop()
	orphans := make(map[cluster.LogName]int)
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-purge.C:
			err = inc.purge(ctx)
		case <-sweep.C:
			err = errors.Join(inc.sweepLogs(ctx, orphans), inc.sweepCheckpoints(ctx))
		}
		if err != nil && ctx.Err() == nil {
			inc.log.Warn("clean up", "err", err)
		}
	}
}

// purge drops the own log's entries below the smallest that any shard names,
// whoever owns it, or is about to name.
func (inc *incarnation) purge(ctx context.Context) error {
	if inc.cfg.RetainLogs {
		return nil
	}
	inc.purging.Lock()
	defer inc.purging.Unlock()
	seq, named, err := inc.member.LowestFrom(ctx, inc.logName)
	if err != nil || !named {
		return err
	}
	if err := inc.journal.Purge(ctx, seq); err != nil {
		return fmt.Errorf("purge the log below %d: %w", seq, err)
	}
	return nil
}

// sweepLogs removes logs that no shard names and whose incarnation is gone. They
// are sealed first: their writer may only be asleep.
func (inc *incarnation) sweepLogs(ctx context.Context, orphans map[cluster.LogName]int) error {
	if inc.cfg.RetainLogs {
		return nil
	}
	names, err := journal.List(ctx, inc.js, inc.view.ClusterID())
	if err != nil {
		return fmt.Errorf("list logs: %w", err)
	}
	// Asked after the list, and of etcd: a view that is late does not know of a node
	// that has joined and opened its log since.
	members, err := inc.view.Alive(ctx)
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	alive := map[cluster.LogName]bool{inc.logName: true}
	for i := range members {
		alive[logName(inc.view.ClusterID(), i)] = true
	}
	for _, name := range names {
		if alive[name] {
			delete(orphans, name)
			continue
		}
		_, named, err := inc.member.LowestFrom(ctx, name)
		if err != nil {
			return err
		}
		if named {
			delete(orphans, name)
			continue
		}
		if orphans[name]++; orphans[name] < orphanSweeps {
			continue
		}
		if _, err := journal.Seal(ctx, inc.js, name, inc.member.Incarnation()); err != nil && !errors.Is(err, journal.ErrNoLog) {
			return fmt.Errorf("seal the abandoned log %s: %w", name, err)
		}
		if err := journal.Delete(ctx, inc.js, name); err != nil && !errors.Is(err, journal.ErrNoLog) {
			return fmt.Errorf("delete the abandoned log %s: %w", name, err)
		}
		delete(orphans, name)
		inc.log.Info("deleted a log that no shard needs", "log", name)
	}
	return nil
}

// brokenAge is longer than writing one checkpoint can take.
const brokenAge = 10 * time.Minute

// sweepCheckpoints removes objects that were written and never published, or
// that a transaction of unknown outcome has dropped, and pieces of objects whose
// writer died. Only those of an earlier
// epoch are touched: what is written at that epoch cannot be published any more.
func (inc *incarnation) sweepCheckpoints(ctx context.Context) error {
	objects, err := inc.store.List(ctx)
	if err != nil {
		return err
	}
	// The records are read after the list: what they name then is kept.
	records, err := inc.view.AllShards(ctx)
	if err != nil {
		return fmt.Errorf("read shards: %w", err)
	}
	named := make(map[string]bool)
	for _, rec := range records {
		for _, p := range slices.Concat(rec.GetCurrent().GetParts(), rec.GetPrevious().GetParts()) {
			named[p.GetObject()] = true
		}
	}
	for _, object := range objects {
		s, epoch, ok := checkpoint.ObjectOwner(object)
		if !ok || named[object] || uint64(epoch) >= records[s].GetEpoch() {
			continue
		}
		if err := inc.store.Delete(ctx, object); err != nil && !errors.Is(err, checkpoint.ErrNotFound) {
			return err
		}
		inc.log.Info("deleted a checkpoint that no shard needs", "object", object)
	}
	_, err = inc.store.Sweep(ctx, brokenAge)
	return err
}
