package admin

import (
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Move wishes a shard to another node.
func (s *Service) Move(ctx context.Context, req *connect.Request[adminv1.MoveRequest]) (*connect.Response[adminv1.MoveResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	m := req.Msg
	if err := s.check("move", m.GetShard(), m.GetNode()); err != nil {
		return nil, err
	}
	id, to := cluster.ShardID(m.GetShard()), cluster.NodeName(m.GetNode())
	from := s.view.Routes().Owner(id).Node
	if err := s.view.Assign(ctx, id, to); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(&adminv1.MoveResponse{Shard: m.GetShard(), From: string(from), To: m.GetNode()}), nil
}

// Pin prefers a node for a shard. One that does not live is refused: it is more
// often misspelt than expected.
func (s *Service) Pin(ctx context.Context, req *connect.Request[adminv1.PinRequest]) (*connect.Response[adminv1.PinResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	m := req.Msg
	if err := s.check("pin", m.GetShard(), m.GetNode()); err != nil {
		return nil, err
	}
	n := s.node(cluster.NodeName(m.GetNode()))
	switch {
	case n == nil:
		return nil, notFound("pin shard %d: node: no node %q lives; those that do are %s", m.GetShard(), m.GetNode(), s.names())
	case !slices.Contains(n.GetRoles(), cluster.RoleShard):
		return nil, refused("pin shard %d: node %s has no role %s", m.GetShard(), m.GetNode(), cluster.RoleShard)
	}
	if err := s.view.Pin(ctx, cluster.ShardID(m.GetShard()), cluster.NodeName(m.GetNode())); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(new(adminv1.PinResponse)), nil
}

// Unpin ends a preference.
func (s *Service) Unpin(ctx context.Context, req *connect.Request[adminv1.UnpinRequest]) (*connect.Response[adminv1.UnpinResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	if err := s.checkShard("unpin", req.Msg.GetShard()); err != nil {
		return nil, err
	}
	id := cluster.ShardID(req.Msg.GetShard())
	pinned := s.view.Assignments().Pinned(id)
	if err := s.view.Unpin(ctx, id); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(&adminv1.UnpinResponse{Node: string(pinned)}), nil
}

// Drain has a node emptied.
func (s *Service) Drain(ctx context.Context, req *connect.Request[adminv1.DrainRequest]) (*connect.Response[adminv1.DrainResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	if err := checkNode("drain", req.Msg.GetNode()); err != nil {
		return nil, err
	}
	name := cluster.NodeName(req.Msg.GetNode())
	out := new(adminv1.DrainResponse)
	routes := s.view.Routes()
	for i := range cluster.ShardID(s.view.Shards()) {
		if routes.Owner(i).Node == name {
			out.Shards = append(out.Shards, uint32(i))
		}
	}
	if !req.Msg.GetForce() {
		switch {
		case s.node(name) == nil:
			return nil, notFound("drain: node: no node %q lives; those that do are %s (force drains it all the same)", name, s.names())
		case len(out.GetShards()) > 0 && !s.othersThan(name):
			return nil, refused("drain %s: no other node can take its %d shards (force drains it all the same)", name, len(out.GetShards()))
		}
	}
	if err := s.view.SetDrained(ctx, name, true); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(out), nil
}

// Undrain lets a node have shards again. That it may already is no error.
func (s *Service) Undrain(ctx context.Context, req *connect.Request[adminv1.UndrainRequest]) (*connect.Response[adminv1.UndrainResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	if err := checkNode("undrain", req.Msg.GetNode()); err != nil {
		return nil, err
	}
	name := cluster.NodeName(req.Msg.GetNode())
	if !s.view.Drained(name) && s.node(name) == nil {
		return nil, notFound("undrain: node: %q is not drained, and does not live", name)
	}
	if err := s.view.SetDrained(ctx, name, false); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(new(adminv1.UndrainResponse)), nil
}

// othersThan says whether another node than this one may have shards.
func (s *Service) othersThan(name cluster.NodeName) bool {
	return slices.ContainsFunc(s.view.Nodes(), func(n *clusterv1.Node) bool {
		other := cluster.NodeName(n.GetName())
		return other != name && n.GetState() == clusterv1.NodeState_NODE_STATE_UP &&
			slices.Contains(n.GetRoles(), cluster.RoleShard) && !s.view.Drained(other)
	})
}

// names lists the nodes that live.
func (s *Service) names() string {
	var names []string
	for _, n := range s.view.Nodes() {
		names = append(names, n.GetName())
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (s *Service) check(what string, shard uint32, node string) error {
	if err := s.checkShard(what, shard); err != nil {
		return err
	}
	return checkNode(what, node)
}

func (s *Service) checkShard(what string, shard uint32) error {
	if int64(shard) >= int64(s.view.Shards()) {
		return notFound("%s: shard: there is no %d, they are 0 to %d", what, shard, s.view.Shards()-1)
	}
	return nil
}

func checkNode(what, node string) error {
	if node == "" {
		return invalid("%s: node: must not be empty", what)
	}
	return nil
}
