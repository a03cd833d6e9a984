package world

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// nodeScene is zones of a node. Each viewer is a player of its own who only looks.
type nodeScene struct {
	launch.Target
	node  *launch.Node // nil: others have started it
	run   string       // begins the names of players and zones
	zones int
	// pick says which zones viewer i looks at.
	pick func(i int) []int
	// tracing: what is seen is kept.
	tracing bool
}

func (n *nodeScene) addresses() string { return n.URL }
func (n *nodeScene) keyed() bool       { return true }

func (n *nodeScene) explain(message []byte) (meaning, error) { return explain(message) }

func (n *nodeScene) follower() follower {
	return &deltaFollower{decoder: delta.NewDecoder(delta.World), tracing: n.tracing}
}

func (n *nodeScene) usage(ctx context.Context) (launch.Usage, error) {
	if n.node == nil {
		return n.Target.Usage(ctx)
	}
	return n.node.Process.Usage()
}

// zone is the name of the i-th zone.
func (n *nodeScene) zone(i int) string { return fmt.Sprintf("%s-%d", n.run, i) }

// open makes the zones.
func (n *nodeScene) open(ctx context.Context, spec *clusterv1.ZoneSpec) error {
	rpc, release := n.Operator()
	defer release()
	for i := range n.zones {
		s := proto.Clone(spec).(*clusterv1.ZoneSpec)
		s.Zone.Name = n.zone(i)
		if _, err := rpc.PutZone(ctx, connect.NewRequest(&adminv1.PutZoneRequest{Spec: s})); err != nil {
			return fmt.Errorf("make zone: %w", err)
		}
	}
	return nil
}

// shut removes the zones from a cluster that goes on.
func (n *nodeScene) shut(ctx context.Context) error {
	rpc, release := n.Operator()
	defer release()
	var errs []error
	for i := range n.zones {
		_, err := rpc.DeleteZone(ctx, connect.NewRequest(&adminv1.DeleteZoneRequest{Name: n.zone(i)}))
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove zone: %w", err)
	}
	return nil
}

func (n *nodeScene) enter(ctx context.Context, i int, s *socket, pushed func([]byte)) error {
	player := fmt.Sprintf("%s-viewer%d", n.run, i)
	token, err := n.Token(player)
	if err != nil {
		return err
	}
	hello := &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: token, Client: "holdfast-bench"}}}
	if err := n.ask(ctx, s, 1, hello, pushed); err != nil {
		return fmt.Errorf("greet as %s: %w", player, err)
	}
	for k, zone := range n.pick(i) {
		enter := &clientv1.ClientFrame{Body: &clientv1.ClientFrame_EnterZone{
			EnterZone: &clientv1.EnterZone{Zone: n.zone(zone), Spectate: true},
		}}
		if err := n.ask(ctx, s, uint64(2+k), enter, pushed); err != nil {
			return fmt.Errorf("enter zone: %w", err)
		}
	}
	return nil
}

// ask sends a request and waits for its answer, which must not be a refusal.
func (n *nodeScene) ask(ctx context.Context, s *socket, seq uint64, f *clientv1.ClientFrame, pushed func([]byte)) error {
	f.Seq = seq
	text, err := proto.Marshal(f)
	if err != nil {
		return err
	}
	if err := s.send(opBinary, text); err != nil {
		return err
	}
	return s.receive(ctx, func(opcode byte, payload []byte) (bool, error) {
		switch opcode {
		case opPing:
			return false, s.send(opPong, payload)
		case opPong:
			return false, nil
		case opClose:
			return false, errClosedByServer
		}
		var answer clientv1.ServerFrame
		if err := proto.Unmarshal(payload, &answer); err != nil {
			return false, err
		}
		if answer.Seq == 0 {
			pushed(payload)
			return false, nil
		}
		if e := answer.GetError(); e != nil {
			return false, fmt.Errorf("refused: %s: %s", client.CodeName(e.Code), e.Text)
		}
		return answer.Seq == seq, nil
	})
}
