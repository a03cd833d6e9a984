package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// logPatience is how long NATS may take to say how large the logs are. Whoever
// asks is better off without that than without an answer.
const logPatience = time.Second

// Shards tells who owns what.
func (s *Service) Shards(context.Context, *connect.Request[adminv1.ShardsRequest]) (*connect.Response[adminv1.ShardsResponse], error) {
	routes, wanted, loads := s.view.Routes(), s.view.Assignments(), s.view.Loads()
	out := new(adminv1.ShardsResponse)
	for i := range cluster.ShardID(s.view.Shards()) {
		row := &adminv1.ShardRow{Shard: uint32(i), Assigned: string(wanted.Node(i)), Pinned: string(wanted.Pinned(i))}
		if r := routes.Owner(i); r.Owned() {
			row.Owner = &clusterv1.Owner{
				Node: string(r.Node), Incarnation: string(r.Incarnation), Epoch: uint64(r.Epoch), Address: string(r.Address),
			}
		}
		if l, ok := loads.Shard(i); ok {
			row.Load = &adminv1.ShardLoad{Commands: l.Commands, Actors: l.Actors, Bytes: l.Bytes}
		}
		out.Shards = append(out.Shards, row)
	}
	return connect.NewResponse(out), nil
}

// Nodes lists the nodes that live, and those that are drained.
func (s *Service) Nodes(ctx context.Context, _ *connect.Request[adminv1.NodesRequest]) (*connect.Response[adminv1.NodesResponse], error) {
	owned := s.owned()
	out := &adminv1.NodesResponse{Coordinator: string(s.view.Coordinator()), Cluster: s.view.ClusterID()}
	loads := s.view.Loads()
	for _, n := range s.view.Nodes() {
		name := cluster.NodeName(n.GetName())
		row := &adminv1.NodeRow{
			Node: n, Owned: owned[cluster.Incarnation(n.GetIncarnation())], Drained: s.view.Drained(name), Alive: true,
		}
		if l, ok := loads.Node(name); ok && string(l.Incarnation) == n.GetIncarnation() {
			row.Load = &adminv1.NodeLoad{
				Commands: l.Commands, P50Ms: millis(l.P50), P99Ms: millis(l.P99), Backlog: uint32(max(0, l.Backlog)), At: timestamppb.New(l.At),
			}
		}
		out.Nodes = append(out.Nodes, row)
	}
	s.measureLogs(ctx, out.Nodes)
	for _, name := range s.view.DrainedNodes() {
		if s.node(name) == nil {
			out.Nodes = append(out.Nodes, &adminv1.NodeRow{Node: &clusterv1.Node{Name: string(name)}, Drained: true})
		}
	}
	slices.SortFunc(out.Nodes, func(a, b *adminv1.NodeRow) int { return strings.Compare(a.GetNode().GetName(), b.GetNode().GetName()) })
	return connect.NewResponse(out), nil
}

// measureLogs fills in what the logs of living nodes hold, as far as NATS says so
// in time.
func (s *Service) measureLogs(ctx context.Context, rows []*adminv1.NodeRow) {
	ctx, cancel := context.WithTimeout(ctx, logPatience)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, row := range rows {
		if !slices.Contains(row.GetNode().GetRoles(), cluster.RoleShard) {
			continue
		}
		g.Go(func() error {
			if l, err := s.log(ctx, cluster.Incarnation(row.GetNode().GetIncarnation())); err == nil {
				row.Log = &adminv1.NodeLog{Name: string(l.Name), First: uint64(l.First), Last: uint64(l.Last), Bytes: l.Bytes}
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
}

// owned counts the shards of each incarnation.
func (s *Service) owned() map[cluster.Incarnation]uint32 {
	owned := make(map[cluster.Incarnation]uint32)
	routes := s.view.Routes()
	for i := range cluster.ShardID(s.view.Shards()) {
		if r := routes.Owner(i); r.Owned() {
			owned[r.Incarnation]++
		}
	}
	return owned
}

// node returns the node of that name, or nil if it does not live.
func (s *Service) node(name cluster.NodeName) *clusterv1.Node {
	for _, n := range s.view.Nodes() {
		if n.GetName() == string(name) {
			return n
		}
	}
	return nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
