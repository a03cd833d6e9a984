package cluster

import (
	"context"
	"sync"
)

// LowestFrom returns the smallest entry of a log that must be kept: over the
// records of all shards, their segments and both their checkpoints, and the
// segments that this member is about to add. named is false when nothing names
// the log. It must not be purged above that entry, nor to empty.
// Errors: ErrUnavailable.
func (m *Member) LowestFrom(ctx context.Context, log LogName) (low LogSeq, named bool, err error) {
	// Before the records are read, or a segment could go from here to there
	// in between and be in neither.
	low, named = m.pending.lowest(log)
	all, err := m.view.AllShards(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, rec := range all {
		if l, ok := lowestFrom(rec, log); ok && (!named || l < low) {
			low, named = l, true
		}
	}
	return low, named, nil
}

// pendingSegments are the segments that this member may have added to a record
// without knowing yet. Their logs must be kept as if the record named them: the
// Txn can land at any moment.
type pendingSegments struct {
	mu sync.Mutex
	by map[*Holding]pendingSegment
}

type pendingSegment struct {
	log  LogName
	from LogSeq
}

// add notes a try to Serve h. Of two tries the earlier beginning counts.
func (p *pendingSegments) add(h *Holding, log LogName, from LogSeq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = make(map[*Holding]pendingSegment)
	}
	if old, ok := p.by[h]; ok && old.log == log {
		from = min(from, old.from)
	}
	p.by[h] = pendingSegment{log, from}
}

// settle forgets h: whether the segment was added is known.
func (p *pendingSegments) settle(h *Holding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, h)
}

// settleShard forgets every holding of s up to an epoch: their ownership has
// ended or never was, so that a Txn of theirs has landed or never will.
func (p *pendingSegments) settleShard(s ShardID, epoch uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h := range p.by {
		if h.Shard == s && uint64(h.Epoch) <= epoch {
			delete(p.by, h)
		}
	}
}

// lowest returns the smallest entry of a log that such a segment begins with.
func (p *pendingSegments) lowest(log LogName) (low LogSeq, named bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seg := range p.by {
		if seg.log == log && (!named || seg.from < low) {
			low, named = seg.from, true
		}
	}
	return low, named
}
