package ctl

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// fakeCluster answers as the nodes of a cluster would, all of them alike.
type fakeCluster struct {
	adminv1connect.UnimplementedAdminServiceHandler

	mu          sync.Mutex
	nodes       map[string]*adminv1.NodeRow
	shards      []*adminv1.ShardRow
	receipts    []*clusterv1.MoveReceipt // the latest first
	rebalancing *clusterv1.Rebalance
	letters     []*adminv1.DeadLetter
	records     []*clusterv1.OwnerRecord
	replays     []*adminv1.ReplayDeadLetterRequest
	drops       []*adminv1.DropDeadLettersRequest
	owners      []*adminv1.OwnersRequest
	// onLook happens before each look at the nodes. refuse answers changes.
	onLook func(look int)
	looks  int
	refuse error
}

// newCluster returns a cluster of these nodes; four shards are with the first.
func newCluster(nodes ...string) *fakeCluster {
	f := &fakeCluster{nodes: make(map[string]*adminv1.NodeRow)}
	for _, name := range nodes {
		f.nodes[name] = &adminv1.NodeRow{Alive: true, Node: &clusterv1.Node{Name: name, State: clusterv1.NodeState_NODE_STATE_UP, Incarnation: name + "-1"}}
	}
	for i := range 4 {
		f.shards = append(f.shards, &adminv1.ShardRow{Shard: uint32(i), Owner: &clusterv1.Owner{Node: nodes[0], Epoch: 1}, Assigned: nodes[0]})
	}
	// What was moved long ago is nobody's business.
	f.receipt(0, "z", nodes[0], clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK, "of another day")
	return f
}

// listen serves one of the nodes.
func (f *fakeCluster) listen(t *testing.T) *httptest.Server {
	t.Helper()
	_, handler := adminv1connect.NewAdminServiceHandler(f)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// run serves a node and returns its data folder.
func (f *fakeCluster) run(t *testing.T) string {
	t.Helper()
	return dataFolder(t, f.listen(t).Listener.Addr().String())
}

// dataFolder makes a folder that says where a node is.
func dataFolder(t *testing.T, address string) string {
	t.Helper()
	dir, err := datadir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	token := dir.File("t")
	if err := os.WriteFile(token, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.WriteNodeFile(datadir.NodeFile{Admin: address, AdminTokenFile: token}); err != nil {
		t.Fatal(err)
	}
	return dir.Path()
}

// change changes the cluster while it is looked at.
func (f *fakeCluster) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
}

// receipt records a move. f.mu is held, or f is new.
func (f *fakeCluster) receipt(shard uint32, from, to string, outcome clusterv1.MoveOutcome, why string) *clusterv1.MoveReceipt {
	r := &clusterv1.MoveReceipt{
		Move: uint64(len(f.receipts) + 1), Shard: shard, From: from, To: to, FromIncarnation: from + "-1", Outcome: outcome, Why: why,
		Actors: 12, Bytes: 3456, StallMs: 4.2, TookMs: 33, HashBefore: 77, HashAfter: 77, Started: timestamppb.New(time.Unix(1_800_000_000, 0)),
	}
	f.receipts = append([]*clusterv1.MoveReceipt{r}, f.receipts...)
	return r
}

// arrive has a shard arrive at a node. f.mu is held.
func (f *fakeCluster) arrive(shard uint32, node string) *clusterv1.MoveReceipt {
	row := f.shards[shard]
	r := f.receipt(shard, row.GetOwner().GetNode(), node, clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED, "")
	row.Owner, row.Assigned = &clusterv1.Owner{Node: node, Epoch: row.GetOwner().GetEpoch() + 1}, node
	return r
}

func (f *fakeCluster) Nodes(context.Context, *connect.Request[adminv1.NodesRequest]) (*connect.Response[adminv1.NodesResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if f.onLook != nil {
		f.onLook(f.looks)
	}
	out := &adminv1.NodesResponse{Cluster: "k3j5x7w2m9qa"}
	for _, name := range slices.Sorted(maps.Keys(f.nodes)) {
		row := proto.CloneOf(f.nodes[name])
		row.Owned = 0
		for _, s := range f.shards {
			if s.GetOwner().GetNode() == name {
				row.Owned++
			}
		}
		out.Nodes = append(out.Nodes, row)
	}
	return connect.NewResponse(out), nil
}

func (f *fakeCluster) Shards(context.Context, *connect.Request[adminv1.ShardsRequest]) (*connect.Response[adminv1.ShardsResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return connect.NewResponse(proto.CloneOf(&adminv1.ShardsResponse{Shards: f.shards})), nil
}

func (f *fakeCluster) Moves(_ context.Context, req *connect.Request[adminv1.MovesRequest]) (*connect.Response[adminv1.MovesResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &adminv1.MovesResponse{Receipts: f.receipts[:min(len(f.receipts), int(req.Msg.GetLimit()))], Rebalancing: f.rebalancing}
	return connect.NewResponse(proto.CloneOf(out)), nil
}

func (f *fakeCluster) Move(_ context.Context, req *connect.Request[adminv1.MoveRequest]) (*connect.Response[adminv1.MoveResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	row := f.shards[req.Msg.GetShard()]
	row.Assigned = req.Msg.GetNode()
	return connect.NewResponse(&adminv1.MoveResponse{Shard: row.GetShard(), From: row.GetOwner().GetNode(), To: row.GetAssigned()}), nil
}

func (f *fakeCluster) Drain(_ context.Context, req *connect.Request[adminv1.DrainRequest]) (*connect.Response[adminv1.DrainResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := new(adminv1.DrainResponse)
	for _, s := range f.shards {
		if s.GetOwner().GetNode() == req.Msg.GetNode() {
			out.Shards = append(out.Shards, s.GetShard())
		}
	}
	f.nodes[req.Msg.GetNode()].Drained = true
	return connect.NewResponse(out), nil
}

func (f *fakeCluster) Rebalance(_ context.Context, req *connect.Request[adminv1.RebalanceRequest]) (*connect.Response[adminv1.RebalanceResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &adminv1.RebalanceResponse{
		Nodes: []*adminv1.NodeShare{
			{Node: "a", Before: 400, After: 200, ShardsBefore: 4, ShardsAfter: 2}, {Node: "b", After: 200, ShardsAfter: 2},
		},
		Mean: 200, Even: 200, SpreadBefore: 1,
	}
	for i := range uint32(2) {
		out.Moves = append(out.Moves, &clusterv1.PlannedMove{
			Shard: i, From: "a", To: "b", Weight: 100, Why: "load", State: clusterv1.MoveState_MOVE_STATE_PENDING,
		})
	}
	if !req.Msg.GetDryRun() {
		out.Id = "p4q6"
		f.rebalancing = proto.CloneOf(&clusterv1.Rebalance{Id: out.GetId(), By: "operator", MaxMoving: req.Msg.GetMaxMoving(), Moves: out.GetMoves()})
	}
	return connect.NewResponse(out), nil
}

func (f *fakeCluster) Owners(_ context.Context, req *connect.Request[adminv1.OwnersRequest]) (*connect.Response[adminv1.OwnersResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owners = append(f.owners, req.Msg)
	return connect.NewResponse(&adminv1.OwnersResponse{Records: f.records}), nil
}

func (f *fakeCluster) DeadLetters(_ context.Context, req *connect.Request[adminv1.DeadLettersRequest]) (*connect.Response[adminv1.DeadLettersResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &adminv1.DeadLettersResponse{Kept: uint64(len(f.letters))}
	for _, l := range f.letters {
		if l.GetId() > req.Msg.GetAfter() && len(out.GetLetters()) < int(req.Msg.GetLimit()) {
			out.Letters = append(out.Letters, l)
		}
	}
	return connect.NewResponse(out), nil
}

func (f *fakeCluster) ReplayDeadLetter(_ context.Context, req *connect.Request[adminv1.ReplayDeadLetterRequest]) (*connect.Response[adminv1.ReplayDeadLetterResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replays = append(f.replays, req.Msg)
	for _, l := range f.letters {
		if l.GetId() == req.Msg.GetId() {
			code := clientv1.Code(clientv1.Code_value[l.GetError()])
			return connect.NewResponse(&adminv1.ReplayDeadLetterResponse{Id: l.GetId(), Request: l.GetRequest() + 10, Code: code, Dropped: code == 0}), nil
		}
	}
	return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("no dead letter %d", req.Msg.GetId()))
}

func (f *fakeCluster) DropDeadLetters(_ context.Context, req *connect.Request[adminv1.DropDeadLettersRequest]) (*connect.Response[adminv1.DropDeadLettersResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drops = append(f.drops, req.Msg)
	return connect.NewResponse(&adminv1.DropDeadLettersResponse{Dropped: 2}), nil
}
