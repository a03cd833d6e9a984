package ctl

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestNodesAndShards(t *testing.T) {
	f := newCluster("a", "b")
	f.nodes["a"].Load = &adminv1.NodeLoad{Commands: 1234.5, P50Ms: 0.5, P99Ms: 12, Backlog: 7}
	f.nodes["a"].Log = &adminv1.NodeLog{Bytes: 3 << 20}
	f.nodes["c"] = &adminv1.NodeRow{Node: &clusterv1.Node{Name: "c"}, Drained: true}
	f.shards[1].Load = &adminv1.ShardLoad{Commands: 99, Actors: 1500, Bytes: 2048}
	f.shards[2].Pinned, f.shards[3].Owner = "b", nil
	data := f.run(t)
	expect(t, 0, []string{"1.23k", "0.5 ms", "12 ms", "3 MiB", "gone, drained", "nobody plans now"}, "nodes", "--data", data)
	out := expect(t, 0, []string{"1500", "2 KiB"}, "shards", "--data", data)
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 5 {
		t.Errorf("%d lines:\n%s", len(lines), out)
	}
}

func TestMovesList(t *testing.T) {
	f := newCluster("a", "b")
	f.receipts = nil
	f.receipt(1, "a", "b", movedOutcome, "")
	f.rebalancing = &clusterv1.Rebalance{Id: "p4q6", By: "planner", Moves: []*clusterv1.PlannedMove{
		{State: clusterv1.MoveState_MOVE_STATE_DONE}, {State: clusterv1.MoveState_MOVE_STATE_DROPPED}, {State: clusterv1.MoveState_MOVE_STATE_PENDING},
	}}
	data := f.run(t)
	expect(t, 0, []string{"moved", "rebalance p4q6 by the planner", "1 of 3 moves done, 1 dropped"}, "moves", "--data", data)
	expect(t, exit.Unusable, []string{"--limit"}, "moves", "--limit=0", "--data", data)
}

func TestOwners(t *testing.T) {
	f := newCluster("a", "b")
	data := f.run(t)
	expect(t, exit.NotFound, []string{"does not reach back to 2026-11-27T18:00:00.000Z"}, "owners", "1", "--at=2026-11-27T18:00:00Z", "--data", data)
	f.change(func() {
		f.records = []*clusterv1.OwnerRecord{
			{Shard: 1, Event: clusterv1.OwnerEvent_OWNER_EVENT_OWNED, Revision: 9, At: timestamppb.New(time.Unix(1_800_000_000, 0)),
				Owner: &clusterv1.Owner{Node: "b", Incarnation: "b-1", Epoch: 4, HandedBy: "a-1"}},
			{Shard: 1, Event: clusterv1.OwnerEvent_OWNER_EVENT_NOBODY, Revision: 8},
		}
	})
	expect(t, 0, []string{"owned", "b-1", "a-1", "nobody", "2027-01-15T08:00:00.000Z"}, "owners", "1", "--at", "5m", "--data", data)
	if got := f.owners[1].GetAt().AsTime(); time.Since(got) < 5*time.Minute || f.owners[1].GetShard() != 1 {
		t.Errorf("asked for %v", f.owners[1])
	}
	for _, args := range [][]string{{"owners", "x"}, {"owners", "-1"}, {"owners", "1", "--at=never"}, {"owners", "1", "--limit=0"}} {
		if _, _, err := ctl(t, append(args, "--data", data)...); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	f := newCluster("a")
	for i := range uint64(lettersPerPage + 3) {
		f.letters = append(f.letters, &adminv1.DeadLetter{
			Id: 2*i + 1, Actor: "player/ann", Player: "ann", Method: "Buy", Request: i + 1, Body: `{"sku":"sword"}`, Error: "panic in decide: as asked",
		})
	}
	f.letters[1].Method, f.letters[1].Player, f.letters[1].From = "", "", "stock/sword/0"
	f.letters[2].Method, f.letters[2].Player = "", ""
	f.letters[3].Player, f.letters[3].Operator = "", true
	data := f.run(t)
	expect(t, 0, []string{"player ann", "stock/sword/0", "its timer", "an operator", `{"sku":"sword"}`, "100 of 503"}, "deadletters", "list", "--data", data)

	expect(t, 0, []string{"done", "dropped"}, "deadletters", "replay", "1", "--request=44", "--data", data)
	if len(f.replays) != 1 || f.replays[0].GetRequest() != 44 {
		t.Errorf("asked for %v", f.replays)
	}
	expect(t, exit.NotFound, []string{"no dead letter 2"}, "deadletters", "replay", "1", "2", "--data", data)
	f.change(func() { f.letters[7].Error = "CODE_SOLD_OUT" })
	expect(t, exit.Failed, []string{"sold out", errNotAllAnswered.Error()}, "deadletters", "replay", "15", "1", "--data", data)
	f.change(func() { f.replays = nil })
	expect(t, exit.Failed, nil, "deadletters", "replay", "--all", "--json", "--data", data)
	if got, want := len(f.replays), len(f.letters)-2; got != want {
		t.Errorf("%d letters were replayed, want %d: the commands", got, want)
	}

	expect(t, 0, []string{"2 dropped"}, "deadletters", "drop", "1", "3", "--data", data)
	expect(t, 0, []string{"2 dropped"}, "deadletters", "drop", "--all", "--data", data)
	if got := fmt.Sprint(f.drops[0].GetIds(), f.drops[1].GetThrough()); got != fmt.Sprint([]uint64{1, 3}, 2*(lettersPerPage+2)+1) {
		t.Errorf("asked to drop %s", got)
	}
	f.change(func() { f.letters = nil })
	expect(t, 0, []string{"0 dropped"}, "deadletters", "drop", "--all", "--data", data)
	for _, args := range [][]string{{"replay"}, {"drop"}, {"drop", "x"}, {"drop", "0"}, {"replay", "1", "--all"}, {"replay", "1", "3", "--request=9"}} {
		expect(t, exit.Unusable, nil, append(append([]string{"deadletters"}, args...), "--data", data)...)
	}
}
