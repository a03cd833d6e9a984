package cluster

import (
	"maps"
	"slices"
)

// DrainedNodes returns the names of all nodes that operators want empty, living
// or not, sorted. See SetDrained.
func (v *View) DrainedNodes() []NodeName {
	return slices.Sorted(maps.Keys(v.snap.Load().drained))
}
