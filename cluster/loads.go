package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// ShardLoad is what one shard asks of its owner.
type ShardLoad struct {
	Shard ShardID
	// Commands per second, smoothed; see Meter.
	Commands float64
	// Actors is their number, and Bytes the size of their encoded state.
	Actors, Bytes uint64
	// Over is how long Commands was measured for. 0 is long enough.
	Over time.Duration
}

// NodeLoad is what a node says of itself.
type NodeLoad struct {
	Node        NodeName
	Incarnation Incarnation
	At          time.Time
	// Commands per second, smoothed.
	Commands float64
	// P50 and P99 are percentiles of the time from a command's arrival to its
	// answer leaving, in the last period.
	P50, P99 time.Duration
	// Backlog is the number of records appended and not durable.
	Backlog int
	// Shards that it serves.
	Shards []ShardLoad
}

// PutLoad tells the cluster this node's load. Called every LoadPeriod or so; one
// that fails is made good by the next. Node and Incarnation are set by it.
// Errors: ErrLeaseLost, ErrUnavailable.
func (m *Member) PutLoad(ctx context.Context, l NodeLoad) error {
	l.Node, l.Incarnation = m.cfg.Name, m.inc
	_, err := m.view.client.Put(ctx, m.view.keys.load(l.Node), encode(l.proto()), clientv3.WithLease(m.id))
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return fmt.Errorf("put load: %w", ErrLeaseLost)
	}
	return unavailable("put load", err)
}

// LoadPeriod is the pace of PutLoad: short beside the time constant of what is
// reported, and for three nodes of 64 shards about 10 KiB/s of etcd's history.
const LoadPeriod = 2 * time.Second

// Loads is what the nodes that live last said of themselves. It is immutable.
type Loads struct {
	nodes  map[NodeName]reported
	shards []shardReport // by shard; of the newest report that names it
	next   chan struct{}
}

type reported struct {
	NodeLoad
	rev int64
}

type shardReport struct {
	ShardLoad
	known bool
	rev   int64
}

// Node returns a node's load; false when it has said nothing, or is dead.
func (l *Loads) Node(n NodeName) (NodeLoad, bool) {
	r, ok := l.nodes[n]
	return r.NodeLoad, ok
}

// Shard returns a shard's load; false when no node that lives reports it.
func (l *Loads) Shard(s ShardID) (ShardLoad, bool) {
	if int(s) >= len(l.shards) {
		return ShardLoad{}, false
	}
	return l.shards[s].ShardLoad, l.shards[s].known
}

// Loads returns what the nodes say of themselves.
func (v *View) Loads() *Loads { return v.snap.Load().loads }

// LoadsChanged is to Loads what Changed is to Routes.
func (v *View) LoadsChanged() <-chan struct{} { return v.snap.Load().loads.next }

func (l *Loads) apply(cs []change, log *slog.Logger) *Loads {
	next := &Loads{nodes: maps.Clone(l.nodes), shards: make([]shardReport, len(l.shards)), next: make(chan struct{})}
	if next.nodes == nil {
		next.nodes = make(map[NodeName]reported)
	}
	for _, c := range cs {
		delete(next.nodes, NodeName(c.name))
		if c.deleted {
			continue
		}
		var v clusterv1.NodeLoad
		if err := decode(c.value, &v); err != nil {
			skip(log, dirLoads, c, err)
			continue
		}
		next.nodes[NodeName(c.name)] = reported{nodeLoadOf(&v), c.rev}
	}
	next.index()
	return next
}

// index finds the report of each shard. While it is moving two nodes may report
// it: the later one has it.
func (l *Loads) index() {
	for _, n := range l.nodes {
		for _, s := range n.Shards {
			if int(s.Shard) < len(l.shards) && l.shards[s.Shard].rev < n.rev {
				l.shards[s.Shard] = shardReport{s, true, n.rev}
			}
		}
	}
}

func (l NodeLoad) proto() *clusterv1.NodeLoad {
	out := &clusterv1.NodeLoad{
		Node:        string(l.Node),
		Incarnation: string(l.Incarnation),
		At:          timestamppb.New(l.At),
		Commands:    round(l.Commands),
		P50Ms:       l.P50.Seconds() * 1000,
		P99Ms:       l.P99.Seconds() * 1000,
		Backlog:     uint64(max(0, l.Backlog)),
	}
	for _, s := range l.Shards {
		out.Shards = append(out.Shards, &clusterv1.ShardLoad{
			Shard: uint32(s.Shard), Commands: round(s.Commands), Actors: s.Actors, Bytes: s.Bytes, Seconds: round(s.Over.Seconds()),
		})
	}
	return out
}

func nodeLoadOf(v *clusterv1.NodeLoad) NodeLoad {
	l := NodeLoad{
		Node:        NodeName(v.GetNode()),
		Incarnation: Incarnation(v.GetIncarnation()),
		At:          v.GetAt().AsTime(),
		Commands:    v.GetCommands(),
		P50:         milliseconds(v.GetP50Ms()),
		P99:         milliseconds(v.GetP99Ms()),
		Backlog:     int(v.GetBacklog()),
	}
	for _, s := range v.GetShards() {
		l.Shards = append(l.Shards, ShardLoad{
			Shard: ShardID(s.GetShard()), Commands: s.GetCommands(), Actors: s.GetActors(), Bytes: s.GetBytes(),
			Over: milliseconds(s.GetSeconds() * 1000),
		})
	}
	return l
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
