package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// listPage is the number of keys read at once: a page stays below a few
// hundred KiB, so that reading a large catalog does not stall etcd for others.
const listPage = 1024

// feedPause is the pause before a broken watch, or a listing that failed, is
// tried again.
const feedPause = 100 * time.Millisecond

// list reads everything under the prefix as of one revision.
func (v *View) list(ctx context.Context) (*snapshot, error) {
	for {
		snap, err := v.listPages(ctx)
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return snap, err
		}
		// That revision was compacted away between two pages: begin anew.
	}
}

func (v *View) listPages(ctx context.Context) (*snapshot, error) {
	key := v.keys.all()
	opts := []clientv3.OpOption{clientv3.WithRange(clientv3.GetPrefixRangeEnd(key)), clientv3.WithLimit(v.page)}
	changes := make(map[string][]change)
	for rev := int64(0); ; {
		resp, err := v.client.Get(ctx, key, opts...)
		if err != nil {
			return nil, err
		}
		if rev == 0 {
			rev = resp.Header.Revision
			opts = append(opts, clientv3.WithRev(rev))
		}
		for _, kv := range resp.Kvs {
			v.collect(changes, kv, false)
		}
		if !resp.More {
			return emptySnapshot(v.shards).apply(rev, changes, v.cfg.Logger), nil
		}
		key = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
	}
}

// collect files one key under its folder.
func (v *View) collect(changes map[string][]change, kv *mvccpb.KeyValue, deleted bool) {
	dir, name := v.keys.split(string(kv.Key))
	changes[dir] = append(changes[dir], change{name: name, value: kv.Value, rev: kv.ModRevision, deleted: deleted})
}

// feed keeps the snapshot fresh until ctx ends.
func (v *View) feed(ctx context.Context) {
	for {
		err := v.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		v.cfg.Logger.Warn("watch of etcd broke, routes may be late", "revision", v.snap.Load().rev, "err", err)
		if !pause(ctx, feedPause) {
			return
		}
		if !errors.Is(err, rpctypes.ErrCompacted) {
			continue // The watch goes on where it stopped.
		}
		// What happened since is gone from etcd's history. Its present tells.
		snap, err := v.list(ctx)
		if err != nil {
			v.cfg.Logger.Warn("listing etcd after a compaction", "err", err)
			continue
		}
		v.publish(snap)
	}
}

// follow watches from the revision after the snapshot's, and returns when the
// watch breaks.
func (v *View) follow(ctx context.Context) error {
	// Its own context, so that the server forgets a watch that is given up.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A member of etcd that lost its leader would keep the watch open and
	// silent. Having it refused makes the client try another member.
	ctx = clientv3.WithRequireLeader(ctx)
	watch := v.client.Watch(ctx, v.keys.all(), clientv3.WithPrefix(), clientv3.WithRev(v.snap.Load().rev+1))
	for resp := range watch {
		if err := resp.Err(); err != nil {
			return err
		}
		if len(resp.Events) == 0 {
			continue
		}
		changes := make(map[string][]change)
		for _, ev := range resp.Events {
			v.collect(changes, ev.Kv, ev.Type == mvccpb.DELETE)
		}
		// The last event's revision and not the header's: a response of a
		// watch that is catching up may hold less than what the header names.
		last := resp.Events[len(resp.Events)-1].Kv.ModRevision
		v.publish(v.snap.Load().apply(last, changes, v.cfg.Logger))
	}
	return errors.New("watch closed")
}

// publish makes snap the one that readers see. Called from one goroutine.
func (v *View) publish(snap *snapshot) {
	v.snap.Swap(snap).retire(snap)
}

// pause waits, and says whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// unavailable turns an error of an etcd call into one that callers branch on.
func unavailable(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", verb, ErrUnavailable, err)
}
