package cluster

import (
	"log/slog"
	"slices"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Assignments says which node should own each shard, as of one revision. It is
// immutable.
type Assignments struct {
	rev  int64
	rows []assignment
	next chan struct{}
}

type assignment struct {
	node, pinned NodeName
	why          string
	rev          int64 // of the key; 0 when it is absent
}

// Node returns the node that should own a shard, "" when none is named.
func (a *Assignments) Node(s ShardID) NodeName {
	if int(s) >= len(a.rows) {
		return ""
	}
	return a.rows[s].node
}

// Pinned returns the node that an operator prefers for a shard, or "".
func (a *Assignments) Pinned(s ShardID) NodeName {
	if int(s) >= len(a.rows) {
		return ""
	}
	return a.rows[s].pinned
}

// Why says why the shard should be with its Node: WhyLoad, WhyOperator and so on,
// "" when that is not known.
func (a *Assignments) Why(s ShardID) string {
	if int(s) >= len(a.rows) {
		return ""
	}
	return a.rows[s].why
}

// Of returns the shards that node n should own, ascending.
func (a *Assignments) Of(n NodeName) []ShardID {
	var out []ShardID
	for s, row := range a.rows {
		if row.node == n {
			out = append(out, ShardID(s))
		}
	}
	return out
}

// Version grows with every change: the revision of etcd that made it.
func (a *Assignments) Version() int64 { return a.rev }

func (a *Assignments) apply(rev int64, cs []change, log *slog.Logger) *Assignments {
	next := &Assignments{rev: rev, rows: slices.Clone(a.rows), next: make(chan struct{})}
	for _, c := range cs {
		s, ok := parseShard(c.name, len(next.rows))
		if !ok {
			continue
		}
		next.rows[s] = assignment{}
		if c.deleted {
			continue
		}
		next.rows[s].rev = c.rev
		var v clusterv1.Assignment
		if err := decode(c.value, &v); err != nil {
			skip(log, dirAssignments, c, err)
			continue
		}
		next.rows[s].node, next.rows[s].pinned, next.rows[s].why = NodeName(v.GetNode()), NodeName(v.GetPinned()), v.GetWhy()
	}
	return next
}
