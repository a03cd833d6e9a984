package cluster

import (
	"log/slog"
	"maps"
	"slices"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// snapshot is everything a View knows, as of one revision of etcd. It never
// changes: apply returns the next one, which shares the parts that stayed.
type snapshot struct {
	rev         int64
	routes      *Routes
	nodes       *nodeSet
	assignments *Assignments
	catalog     *Catalog
	coordinator coordinator
	// next is closed when this snapshot was replaced.
	next chan struct{}
}

// coordinator is who plans; the zero value is nobody.
type coordinator struct {
	incarnation Incarnation
	rev         int64
}

func (c coordinator) apply(cs []change, log *slog.Logger) coordinator {
	last := cs[len(cs)-1]
	if last.deleted {
		return coordinator{}
	}
	var o clusterv1.Owner
	if err := decode(last.value, &o); err != nil {
		skip(log, keyCoordinator, last, err)
	}
	return coordinator{Incarnation(o.GetIncarnation()), last.rev}
}

// change is a key that was put or deleted.
type change struct {
	name    string // of the key within its folder
	value   []byte
	rev     int64
	deleted bool
}

// emptySnapshot knows that there are n shards and nothing else.
func emptySnapshot(n int) *snapshot {
	return &snapshot{
		routes:      &Routes{routes: make([]Route, n), next: make(chan struct{})},
		nodes:       &nodeSet{},
		assignments: &Assignments{rows: make([]assignment, n), next: make(chan struct{})},
		catalog:     &Catalog{},
		next:        make(chan struct{}),
	}
}

// apply returns s with changes, by folder, that lead up to revision rev.
func (s *snapshot) apply(rev int64, changes map[string][]change, log *slog.Logger) *snapshot {
	next := *s
	next.rev = rev
	next.next = make(chan struct{})
	for dir, cs := range changes {
		switch dir {
		case dirOwners:
			next.routes = next.routes.apply(rev, cs, log)
		case dirNodes:
			next.nodes = next.nodes.apply(cs, log)
		case dirAssignments:
			next.assignments = next.assignments.apply(rev, cs, log)
		case dirCatalog:
			next.catalog = next.catalog.apply(rev, cs, log)
		case keyCoordinator:
			next.coordinator = next.coordinator.apply(cs, log)
		}
	}
	return &next
}

// retire wakes whoever waits for something newer than s, which now has a
// successor.
func (s *snapshot) retire(by *snapshot) {
	if s.routes != by.routes {
		close(s.routes.next)
	}
	if s.assignments != by.assignments {
		close(s.assignments.next)
	}
	close(s.next)
}

// skip reports a key that this program cannot read. It goes on without it: one
// bad value must not blind a node to all others.
func skip(log *slog.Logger, dir string, c change, err error) {
	log.Error("key in etcd cannot be read, and is taken for absent", "key", dir+c.name, "revision", c.rev, "err", err)
}

// Routes says who owns each shard, as of one revision. It is immutable.
type Routes struct {
	rev    int64
	routes []Route
	next   chan struct{}
}

// Owner returns the route to a shard, the zero Route when nobody owns it.
func (r *Routes) Owner(s ShardID) Route {
	if int(s) >= len(r.routes) {
		return Route{}
	}
	return r.routes[s]
}

// Version grows with every change: the revision of etcd that made it.
func (r *Routes) Version() int64 { return r.rev }

// Len is the number of shards.
func (r *Routes) Len() int { return len(r.routes) }

func (r *Routes) apply(rev int64, cs []change, log *slog.Logger) *Routes {
	next := &Routes{rev: rev, routes: slices.Clone(r.routes), next: make(chan struct{})}
	for _, c := range cs {
		s, ok := parseShard(c.name, len(next.routes))
		if !ok {
			continue
		}
		next.routes[s] = Route{}
		if c.deleted {
			continue
		}
		var o clusterv1.Owner
		if err := decode(c.value, &o); err != nil {
			skip(log, dirOwners, c, err)
			continue
		}
		next.routes[s] = routeOf(&o)
	}
	return next
}

func routeOf(o *clusterv1.Owner) Route {
	return Route{
		Node:        NodeName(o.GetNode()),
		Incarnation: Incarnation(o.GetIncarnation()),
		Address:     Address(o.GetAddress()),
		Epoch:       Epoch(o.GetEpoch()),
	}
}

// nodeSet holds the nodes that live.
type nodeSet struct {
	byName map[string]*clusterv1.Node
	sorted []*clusterv1.Node
}

func (n *nodeSet) apply(cs []change, log *slog.Logger) *nodeSet {
	next := &nodeSet{byName: maps.Clone(n.byName)}
	if next.byName == nil {
		next.byName = make(map[string]*clusterv1.Node)
	}
	for _, c := range cs {
		delete(next.byName, c.name)
		if c.deleted {
			continue
		}
		v := new(clusterv1.Node)
		if err := decode(c.value, v); err != nil {
			skip(log, dirNodes, c, err)
			continue
		}
		next.byName[c.name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(next.byName)) {
		next.sorted = append(next.sorted, next.byName[name])
	}
	return next
}

// Assignments says which node should own each shard, as of one revision. It is
// immutable.
type Assignments struct {
	rev  int64
	rows []assignment
	next chan struct{}
}

type assignment struct {
	node, pinned NodeName
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
		next.rows[s].node, next.rows[s].pinned = NodeName(v.GetNode()), NodeName(v.GetPinned())
	}
	return next
}
