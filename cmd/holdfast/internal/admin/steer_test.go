package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// join adds a node to the desk's cluster.
func (d *desk) join(t *testing.T, name string, roles ...string) *cluster.Member {
	t.Helper()
	m, err := cluster.Join(t.Context(), d.view, cluster.JoinConfig{Name: cluster.NodeName(name), Address: cluster.Address(name + ":1"), Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := m.Leave(ctx); err != nil {
			t.Errorf("leave: %v", err)
		}
	})
	d.until(t, name+" is seen", func() bool {
		for _, n := range d.view.Nodes() {
			if n.GetName() == name {
				return true
			}
		}
		return false
	})
	return m
}

// until waits until the view shows something.
func (d *desk) until(t *testing.T, what string, shows func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		changed, loads := d.view.NodesChanged(), d.view.LoadsChanged()
		if shows() {
			return
		}
		select {
		case <-changed:
		case <-loads:
		case <-ctx.Done():
			t.Fatalf("the view never shows that %s", what)
		}
	}
}

func req[T any](m *T) *connect.Request[T] { return connect.NewRequest(m) }

func TestMoveIsAWish(t *testing.T) {
	d := openDesk(t)
	d.join(t, "a", cluster.RoleShard)
	d.join(t, "b", cluster.RoleShard)
	resp, err := d.client.Move(t.Context(), req(&adminv1.MoveRequest{Shard: 2, Node: "b"}))
	if err != nil {
		t.Fatal(err)
	}
	if want := (&adminv1.MoveResponse{Shard: 2, To: "b"}); !proto.Equal(resp.Msg, want) {
		t.Errorf("%v, want %v", resp.Msg, want)
	}
	d.until(t, "shard 2 should be with b", func() bool { return d.view.Assignments().Node(2) == "b" })
	moves, err := d.client.Moves(t.Context(), req(&adminv1.MovesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if u := moves.Msg.GetUnderWay(); len(u) != 1 || u[0].GetShard() != 2 || u[0].GetTo() != "b" || u[0].GetFrom() != "" {
		t.Errorf("under way: %v", u)
	}
}

func TestWishesThatAreRefused(t *testing.T) {
	d := openDesk(t)
	d.join(t, "a", cluster.RoleShard)
	d.join(t, "b", cluster.RoleShard)
	d.join(t, "g", "gateway")
	ctx := t.Context()
	for _, err := range []error{d.view.Pin(ctx, 1, "a"), d.view.SetDrained(ctx, "b", true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.until(t, "b is drained", func() bool { return d.view.Drained("b") })
	move := func(shard uint32, node string) func() error {
		return func() error {
			_, err := d.client.Move(ctx, req(&adminv1.MoveRequest{Shard: shard, Node: node}))
			return err
		}
	}
	pin := func(shard uint32, node string) func() error {
		return func() error {
			_, err := d.client.Pin(ctx, req(&adminv1.PinRequest{Shard: shard, Node: node}))
			return err
		}
	}
	drain := func(node string) func() error {
		return func() error {
			_, err := d.client.Drain(ctx, req(&adminv1.DrainRequest{Node: node}))
			return err
		}
	}
	invalid, missing, refused := connect.CodeInvalidArgument, connect.CodeNotFound, connect.CodeFailedPrecondition
	for name, tc := range map[string]struct {
		call func() error
		want connect.Code
		says string
	}{
		"move no such shard":      {move(4, "a"), missing, "there is no 4, they are 0 to 3"},
		"move to no node":         {move(0, ""), invalid, "node"},
		"move to an unknown node": {move(0, "z"), missing, "z"},
		"move to a gateway":       {move(0, "g"), refused, "role shard"},
		"move to a drained node":  {move(0, "b"), refused, "drained"},
		"move a pinned shard":     {move(1, "b"), refused, ""},
		"pin no such shard":       {pin(9, "a"), missing, "shard"},
		"pin to no node":          {pin(0, ""), invalid, "node"},
		"pin to an unknown node":  {pin(0, "z"), missing, "a, b, g"},
		"pin to a gateway":        {pin(0, "g"), refused, "role shard"},
		"drain no node":           {drain(""), invalid, "node"},
		"drain an unknown node":   {drain("z"), missing, "a, b, g"},
		"unpin no such shard": {func() error {
			_, err := d.client.Unpin(ctx, req(&adminv1.UnpinRequest{Shard: 4}))
			return err
		}, missing, "shard"},
		"undrain an unknown node": {func() error {
			_, err := d.client.Undrain(ctx, req(&adminv1.UndrainRequest{Node: "z"}))
			return err
		}, missing, "z"},
		"rebalance far too many": {func() error {
			_, err := d.client.Rebalance(ctx, req(&adminv1.RebalanceRequest{MaxMoving: 1 << 20}))
			return err
		}, invalid, "max_moving"},
		"owners of no such shard": {func() error {
			_, err := d.client.Owners(ctx, req(&adminv1.OwnersRequest{Shard: 4}))
			return err
		}, missing, "shard"},
		"owners at no time": {func() error {
			_, err := d.client.Owners(ctx, req(&adminv1.OwnersRequest{At: &timestamppb.Timestamp{Nanos: -1}}))
			return err
		}, invalid, "at"},
		"too many receipts": {func() error {
			_, err := d.client.Moves(ctx, req(&adminv1.MovesRequest{Limit: 1001}))
			return err
		}, invalid, "limit"},
	} {
		if err := tc.call(); connect.CodeOf(err) != tc.want || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %s and %q", name, err, tc.want, tc.says)
		}
	}
	for i := range cluster.ShardID(4) {
		if n := d.view.Assignments().Node(i); n != "" {
			t.Errorf("shard %d is assigned to %s by what was refused", i, n)
		}
	}
}

func TestPinAndUnpin(t *testing.T) {
	d := openDesk(t)
	d.join(t, "a", cluster.RoleShard)
	ctx := t.Context()
	if _, err := d.client.Pin(ctx, req(&adminv1.PinRequest{Shard: 3, Node: "a"})); err != nil {
		t.Fatal(err)
	}
	d.until(t, "shard 3 is pinned", func() bool { return d.view.Assignments().Pinned(3) == "a" })
	shards, err := d.client.Shards(ctx, req(&adminv1.ShardsRequest{}))
	if err != nil || shards.Msg.GetShards()[3].GetPinned() != "a" {
		t.Errorf("%v: %v", err, shards)
	}
	was, err := d.client.Unpin(ctx, req(&adminv1.UnpinRequest{Shard: 3}))
	if err != nil || was.Msg.GetNode() != "a" {
		t.Errorf("unpin: %v, %v", was, err)
	}
	d.until(t, "shard 3 is not pinned", func() bool { return d.view.Assignments().Pinned(3) == "" })
	if was, err = d.client.Unpin(ctx, req(&adminv1.UnpinRequest{Shard: 3})); err != nil || was.Msg.GetNode() != "" {
		t.Errorf("unpin again: %v, %v", was, err)
	}
}

// own makes a member the owner of a shard.
func (d *desk) own(t *testing.T, m *cluster.Member, s cluster.ShardID) {
	t.Helper()
	if _, err := m.Acquire(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	d.until(t, "the shard is owned", func() bool { return d.view.Routes().Owner(s).Incarnation == m.Incarnation() })
}

func TestDrain(t *testing.T) {
	d := openDesk(t)
	a := d.join(t, "a", cluster.RoleShard)
	d.own(t, a, 0)
	d.own(t, a, 2)
	ctx := t.Context()
	drain := func(node string, force bool) (*adminv1.DrainResponse, error) {
		resp, err := d.client.Drain(ctx, req(&adminv1.DrainRequest{Node: node, Force: force}))
		if err != nil {
			return nil, err
		}
		return resp.Msg, nil
	}
	// Nobody could take its shards.
	if _, err := drain("a", false); connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "2 shards") {
		t.Errorf("%v", err)
	}
	if d.view.Drained("a") {
		t.Error("it was drained all the same")
	}
	d.join(t, "b", cluster.RoleShard)
	resp, err := drain("a", false)
	if err != nil || len(resp.GetShards()) != 2 || resp.GetShards()[1] != 2 {
		t.Errorf("%v, %v", resp, err)
	}
	// By force, also what does not live.
	if _, err := drain("z", true); err != nil {
		t.Errorf("%v", err)
	}
	d.until(t, "both are drained", func() bool { return d.view.Drained("a") && d.view.Drained("z") })
	nodes, err := d.client.Nodes(ctx, req(&adminv1.NodesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	rows := nodes.Msg.GetNodes()
	if len(rows) != 3 || !rows[0].GetDrained() || rows[0].GetOwned() != 2 || !rows[0].GetAlive() || rows[1].GetDrained() ||
		rows[2].GetNode().GetName() != "z" || !rows[2].GetDrained() || rows[2].GetAlive() {
		t.Errorf("nodes %v", rows)
	}
	if l := rows[0].GetLog(); l.GetBytes() != 4096 || l.GetFirst() != 3 || l.GetLast() != 8 || l.GetName() != "log_"+string(a.Incarnation()) {
		t.Errorf("log %v", l)
	}
	for _, name := range []string{"a", "z", "a"} { // that it is not drained any more is no error
		if _, err := d.client.Undrain(ctx, req(&adminv1.UndrainRequest{Node: name})); err != nil {
			t.Errorf("undrain %s: %v", name, err)
		}
		d.until(t, "it is not drained", func() bool { return !d.view.Drained(cluster.NodeName(name)) })
	}
}

func TestLoadsAreShown(t *testing.T) {
	d := openDesk(t)
	a := d.join(t, "a", cluster.RoleShard)
	d.own(t, a, 1)
	err := a.PutLoad(t.Context(), cluster.NodeLoad{
		At: time.Now(), Commands: 120, P50: 1500 * time.Microsecond, P99: 20 * time.Millisecond, Backlog: 3,
		Shards: []cluster.ShardLoad{{Shard: 1, Commands: 120, Actors: 7, Bytes: 900}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, "a has said what it has to do", func() bool { _, ok := d.view.Loads().Node("a"); return ok })
	nodes, err := d.client.Nodes(t.Context(), req(&adminv1.NodesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if l := nodes.Msg.GetNodes()[0].GetLoad(); l.GetCommands() != 120 || l.GetP50Ms() != 1.5 || l.GetP99Ms() != 20 || l.GetBacklog() != 3 {
		t.Errorf("load of the node: %v", l)
	}
	shards, err := d.client.Shards(t.Context(), req(&adminv1.ShardsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if l := shards.Msg.GetShards()[1].GetLoad(); l.GetCommands() != 120 || l.GetActors() != 7 || l.GetBytes() != 900 {
		t.Errorf("load of the shard: %v", l)
	}
}

// What a dry run shows is what is done then.
func TestRebalanceDoesWhatTheDryRunShows(t *testing.T) {
	d := openDesk(t)
	a := d.join(t, "a", cluster.RoleShard)
	d.join(t, "b", cluster.RoleShard)
	ctx := t.Context()
	for i := range cluster.ShardID(4) {
		d.own(t, a, i)
		if err := d.view.Assign(ctx, i, "a"); err != nil {
			t.Fatal(err)
		}
	}
	d.until(t, "all are assigned", func() bool { return len(d.view.Assignments().Of("a")) == 4 })
	rebalance := func(m *adminv1.RebalanceRequest) *adminv1.RebalanceResponse {
		t.Helper()
		resp, err := d.client.Rebalance(ctx, req(m))
		if err != nil {
			t.Fatal(err)
		}
		return resp.Msg
	}
	dry := rebalance(&adminv1.RebalanceRequest{DryRun: true})
	if dry.GetId() != "" || len(dry.GetMoves()) != 2 || dry.GetSpreadBefore() < 0.9 || dry.GetSpreadAfter() > 0.05 {
		t.Errorf("the plan is %v", dry)
	}
	for _, m := range dry.GetMoves() {
		if m.GetFrom() != "a" || m.GetTo() != "b" || m.GetWhy() != cluster.WhyLoad || m.GetWeight() <= 0 {
			t.Errorf("move %v", m)
		}
	}
	nodes := dry.GetNodes()
	if len(nodes) != 2 || nodes[0].GetShardsBefore() != 4 || nodes[0].GetShardsAfter() != 2 || nodes[1].GetShardsBefore() != 0 ||
		nodes[1].GetShardsAfter() != 2 || nodes[0].GetBefore() <= nodes[0].GetAfter() || nodes[1].GetBefore() != 0 {
		t.Errorf("the shares are %v", nodes)
	}
	if _, ok := d.view.Rebalancing(); ok {
		t.Fatal("the dry run was none")
	}

	done := rebalance(&adminv1.RebalanceRequest{MaxMoving: 1})
	id := done.GetId()
	done.Id = ""
	if !proto.Equal(done, dry) {
		t.Errorf("the plan was %v, and it does %v", dry, done)
	}
	d.until(t, "it has begun", func() bool { _, ok := d.view.Rebalancing(); return ok })
	moves, err := d.client.Moves(ctx, req(&adminv1.MovesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if j := moves.Msg.GetRebalancing(); j.GetId() != id || id == "" || j.GetMaxMoving() != 1 || j.GetFinished() != nil || len(j.GetMoves()) != 2 ||
		j.GetMoves()[0].GetState() != clusterv1.MoveState_MOVE_STATE_PENDING {
		t.Errorf("rebalance %s: %v", id, j)
	}
	if left := rebalance(&adminv1.RebalanceRequest{DryRun: true}); left.GetId() != id || len(left.GetMoves()) != 2 {
		t.Errorf("what is left of %s is %v", id, left)
	}
}

func TestOwnersAndMoves(t *testing.T) {
	d := openDesk(t)
	at := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	for i := range 3 {
		d.trail.records = append(d.trail.records, &clusterv1.OwnerRecord{
			Shard: 1, Revision: int64(9 - i), At: timestamppb.New(at.Add(-time.Duration(i) * time.Hour)), Owner: &clusterv1.Owner{Node: "n", Epoch: uint64(9 - i)},
		})
	}
	d.trail.receipts = []*clusterv1.MoveReceipt{{Move: 2}, {Move: 1}}
	ctx := t.Context()
	owners := func(m *adminv1.OwnersRequest) (epochs []uint64) {
		t.Helper()
		resp, err := d.client.Owners(ctx, req(m))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resp.Msg.GetRecords() {
			epochs = append(epochs, r.GetOwner().GetEpoch())
		}
		return epochs
	}
	if got := owners(&adminv1.OwnersRequest{Shard: 1, Limit: 2}); len(got) != 2 || got[0] != 9 {
		t.Errorf("epochs %v", got)
	}
	if got := owners(&adminv1.OwnersRequest{Shard: 1, At: timestamppb.New(at.Add(-30 * time.Minute))}); len(got) != 1 || got[0] != 8 {
		t.Errorf("half an hour before: epochs %v", got)
	}
	if got := owners(&adminv1.OwnersRequest{Shard: 1, At: timestamppb.New(at.Add(-30 * time.Hour))}); len(got) != 0 {
		t.Errorf("long before: epochs %v", got)
	}
	moves, err := d.client.Moves(ctx, req(&adminv1.MovesRequest{Limit: 1}))
	if err != nil || len(moves.Msg.GetReceipts()) != 1 || moves.Msg.GetReceipts()[0].GetMove() != 2 {
		t.Errorf("%v, %v", moves, err)
	}
	d.trail.err = context.DeadlineExceeded
	if _, err := d.client.Moves(ctx, req(&adminv1.MovesRequest{})); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("NATS does not answer: %v, want unavailable", err)
	}
}

// As curl would.
func TestSteeringWithPlainHTTP(t *testing.T) {
	d := openDesk(t)
	d.join(t, "a", cluster.RoleShard)
	post := func(method, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/holdfast.admin.v1.AdminService/"+method, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		return do(t, r)
	}
	for _, tc := range []struct {
		method, body string
		status       int
		says         string
	}{
		{"Move", `{"shard": 1, "node": "a"}`, http.StatusOK, `"to":"a"`},
		{"Move", `{"shard": 7, "node": "a"}`, http.StatusNotFound, `"code":"not_found"`},
		{"Move", `{"shard": -1}`, http.StatusBadRequest, `"code":"invalid_argument"`},
		{"Rebalance", `{"dryRun": true}`, http.StatusOK, `"moves":`},
		{"Drain", `{"node": "z"}`, http.StatusNotFound, "no node"},
		{"Nodes", `{}`, http.StatusOK, `"alive":true`},
	} {
		// protojson varies its spaces.
		if status, body := post(tc.method, tc.body); status != tc.status || !strings.Contains(strings.ReplaceAll(body, `": `, `":`), tc.says) {
			t.Errorf("%s %s: status %d, %s; want %d and %s", tc.method, tc.body, status, body, tc.status, tc.says)
		}
	}
}
