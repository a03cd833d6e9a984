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
	titles      *titles
	nodes       *nodeSet
	assignments *Assignments
	catalog     *Catalog
	zones       *Zones
	coordinator coordinator
	loads       *Loads
	drained     map[NodeName]bool
	weights     *weights
	job         *job
	// next is closed when this snapshot was replaced by one that differs in more
	// than loads, which change all the time.
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
		titles:      &titles{rows: make([]title, n)},
		nodes:       &nodeSet{},
		assignments: &Assignments{rows: make([]assignment, n), next: make(chan struct{})},
		catalog:     &Catalog{},
		zones:       &Zones{},
		loads:       &Loads{shards: make([]shardReport, n), next: make(chan struct{})},
		weights:     &weights{rows: make([]float64, n)},
		job:         &job{},
		next:        make(chan struct{}),
	}
}

// apply returns s with changes, by folder, that lead up to revision rev.
func (s *snapshot) apply(rev int64, changes map[string][]change, log *slog.Logger) *snapshot {
	next := *s
	next.rev = rev
	if len(changes) > 1 || changes[dirLoads] == nil {
		next.next = make(chan struct{})
	}
	for dir, cs := range changes {
		switch dir {
		case dirOwners:
			next.routes = next.routes.apply(rev, cs, log)
			next.titles = next.titles.apply(dir, cs)
		case dirShards:
			next.titles = next.titles.apply(dir, cs)
		case dirNodes:
			next.nodes = next.nodes.apply(cs, log)
		case dirAssignments:
			next.assignments = next.assignments.apply(rev, cs, log)
		case dirCatalog:
			next.catalog = next.catalog.apply(rev, cs, log)
		case dirZones:
			next.zones = next.zones.apply(rev, cs, log)
		case keyCoordinator:
			next.coordinator = next.coordinator.apply(cs, log)
		case dirLoads:
			next.loads = next.loads.apply(cs, log)
		case dirDrained:
			next.drained = applyDrained(next.drained, cs)
		case keyWeights:
			next.weights = next.weights.apply(cs, log)
		case keyRebalance:
			next.job = next.job.apply(cs, log)
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
	if s.loads != by.loads {
		close(s.loads.next)
	}
	if s.next != by.next {
		close(s.next)
	}
}

// skip reports a key that this program cannot read. It goes on without it: one
// bad value must not blind a node to all others.
func skip(log *slog.Logger, dir string, c change, err error) {
	log.Error("key in etcd cannot be read, and is taken for absent", "key", dir+c.name, "revision", c.rev, "err", err)
}

// applyDrained keeps the names of drained nodes. What the value says is for
// people.
func applyDrained(drained map[NodeName]bool, cs []change) map[NodeName]bool {
	next := make(map[NodeName]bool)
	maps.Copy(next, drained)
	for _, c := range cs {
		delete(next, NodeName(c.name))
		if !c.deleted {
			next[NodeName(c.name)] = true
		}
	}
	return next
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
