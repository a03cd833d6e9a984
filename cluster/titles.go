package cluster

import (
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// titles are the two keys of each shard's ownership as of one revision, not
// decoded: hardly anybody asks. It is immutable.
type titles struct {
	rows []title
}

type title struct {
	owner, record *mvccpb.KeyValue // nil where there is no key
}

// apply returns t with changes of one of the two folders.
func (t *titles) apply(dir string, cs []change) *titles {
	next := &titles{rows: slices.Clone(t.rows)}
	for _, c := range cs {
		s, ok := parseShard(c.name, len(next.rows))
		if !ok {
			continue
		}
		var kv *mvccpb.KeyValue
		if !c.deleted {
			kv = &mvccpb.KeyValue{Value: c.value, ModRevision: c.rev}
		}
		if dir == dirOwners {
			next.rows[s].owner = kv
		} else {
			next.rows[s].record = kv
		}
	}
	return next
}

// of returns the keys of a shard as readOwnership wants them.
func (t *titles) of(s ShardID) []*mvccpb.KeyValue {
	return []*mvccpb.KeyValue{t.rows[s].owner, t.rows[s].record}
}
