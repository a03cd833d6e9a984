package chaos

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// shardCount is the number of shards of a cluster that was told none.
const shardCount = 64

// shardOf is the shard that a player's actor is in.
func shardOf(player string) int { return int(xxhash.Sum64String("player/"+player) % shardCount) }

// success is a purchase that was carried out.
type success struct{ sent, answered time.Duration }

// measureRecovery finds out from the history how long each fault was felt.
func (c *campaign) measureRecovery() error {
	f, err := os.Open(filepath.Join(c.recorder.Dir(), history.OperationsFile))
	if err != nil {
		return fmt.Errorf("measure recovery: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var byShard [shardCount][]success
	if _, err := history.ReadOps(f, func(op *history.Op) error {
		if op.Kind == history.Buy && op.Outcome != history.Unknown {
			s := shardOf(op.Client)
			byShard[s] = append(byShard[s], success{op.Invoke, op.Return})
		}
		return nil
	}); err != nil {
		return fmt.Errorf("measure recovery: %w", err)
	}
	for i := range byShard {
		firstAnswers(byShard[i])
	}
	for i := range c.report.Faults {
		f := &c.report.Faults[i]
		if f.Target != "" {
			f.Recovered = recovered(byShard[:], f)
		}
	}
	return nil
}

// firstAnswers sorts by the time of sending, and puts in place of each answer the
// first one to anything sent then or later.
func firstAnswers(all []success) {
	slices.SortFunc(all, func(a, b success) int { return cmp.Compare(a.sent, b.sent) })
	for i := len(all) - 2; i >= 0; i-- {
		all[i].answered = min(all[i].answered, all[i+1].answered)
	}
}

// recovered is the longest time that a shard which was hit needed to answer
// something that was sent after the fault began; -1 when one never did.
func recovered(byShard [][]success, f *Injected) time.Duration {
	var longest time.Duration
	for shard, all := range byShard {
		if len(all) == 0 || f.Shards != nil && !slices.Contains(f.Shards, shard) {
			continue // nobody plays there, or it was not hit
		}
		i, _ := slices.BinarySearchFunc(all, f.Began, func(s success, began time.Duration) int { return cmp.Compare(s.sent, began) })
		if i == len(all) {
			return -1
		}
		longest = max(longest, all[i].answered-f.Began)
	}
	return longest
}
