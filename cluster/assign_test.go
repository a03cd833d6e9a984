package cluster

import (
	"fmt"
	"testing"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// planned is a snapshot of nodes by name and of shards, each of which says the
// node that it is assigned to and the node that owns it, "" for none.
func planned(nodes []*clusterv1.Node, shards ...[2]NodeName) *snapshot {
	snap := emptySnapshot(len(shards))
	snap.nodes = &nodeSet{sorted: nodes}
	for s, row := range shards {
		snap.assignments.rows[s].node = row[0]
		if row[1] != "" {
			snap.routes.routes[s] = Route{Node: row[1], Incarnation: Incarnation(row[1] + "-1")}
		}
	}
	return snap
}

func up(name string, roles ...string) *clusterv1.Node {
	return &clusterv1.Node{Name: name, Roles: roles, State: clusterv1.NodeState_NODE_STATE_UP}
}

// many repeats a shard n times.
func many(n int, assigned, owner NodeName) (rows [][2]NodeName) {
	for range n {
		rows = append(rows, [2]NodeName{assigned, owner})
	}
	return rows
}

func TestNextAssignments(t *testing.T) {
	a, b, gateway := up("a", RoleShard), up("b", RoleShard), up("g", "gateway")
	draining := up("d", RoleShard)
	draining.State = clusterv1.NodeState_NODE_STATE_DRAINING
	for _, c := range []struct {
		name string
		snap *snapshot
		want map[NodeName]int
	}{
		{"no nodes", planned(nil, many(4, "", "")...), nil},
		{"a gateway owns no shards", planned([]*clusterv1.Node{gateway}, many(4, "", "")...), nil},
		{"all of a new cluster at once", planned([]*clusterv1.Node{a}, many(64, "", "")...), map[NodeName]int{"a": 64}},
		{"nothing to do", planned([]*clusterv1.Node{a, b}, append(many(4, "a", "a"), many(4, "b", "b")...)...), nil},
		{"served shards move a few at a time", planned([]*clusterv1.Node{a, b}, many(64, "a", "a")...), map[NodeName]int{"b": maxMoving}},
		{
			"and no more while others are on their way",
			planned([]*clusterv1.Node{a, b}, append(many(59, "a", "a"), many(5, "b", "a")...)...),
			map[NodeName]int{"b": maxMoving - 5},
		},
		{
			"or were released and not yet claimed",
			planned([]*clusterv1.Node{a, b}, append(many(59, "a", "a"), many(5, "b", "")...)...),
			map[NodeName]int{"b": maxMoving - 5},
		},
		{
			"a dead node's shards do not wait, the others do",
			planned([]*clusterv1.Node{a, b}, append(many(40, "a", "a"), many(24, "dead", "")...)...),
			map[NodeName]int{"b": 24},
		},
		{"a draining node is emptied", planned([]*clusterv1.Node{a, draining}, many(4, "d", "d")...), map[NodeName]int{"a": 4}},
		{"who owns a shard without an assignment gets it", planned([]*clusterv1.Node{a, b}, append(many(2, "", "b"), many(2, "", "a")...)...), map[NodeName]int{"a": 2, "b": 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make(map[NodeName]int)
			for _, as := range nextAssignments(c.snap) {
				got[as.node]++
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
