package show_test

import (
	"testing"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		show.Bytes(0):               "0 B",
		show.Bytes(1023):            "1023 B",
		show.Bytes(1024):            "1 KiB",
		show.Bytes(1536):            "1.5 KiB",
		show.Bytes(1023 << 10):      "1 MiB",
		show.Bytes(123456789):       "118 MiB",
		show.Bytes(1<<64 - 1):       "16 EiB",
		show.Number(0):              "0",
		show.Number(0.126):          "0.13",
		show.Number(9.996):          "10",
		show.Number(99.96):          "100",
		show.Number(999.4):          "999",
		show.Number(999.6):          "1k",
		show.Number(12345):          "12.3k",
		show.Number(999_600):        "1M",
		show.Millis(0.3456):         "0.35 ms",
		show.Millis(12.34):          "12.3 ms",
		show.Millis(2500):           "2.5 s",
		show.Share(0.0512):          "5.1 %",
		show.Dash(""):               "-",
		show.Time(nil):              "-",
		show.Number(100.0000000001): "100",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWords(t *testing.T) {
	row := func(alive, drained bool, owned uint32, s clusterv1.NodeState) *adminv1.NodeRow {
		return &adminv1.NodeRow{Alive: alive, Drained: drained, Owned: owned, Node: &clusterv1.Node{State: s}}
	}
	up, draining := clusterv1.NodeState_NODE_STATE_UP, clusterv1.NodeState_NODE_STATE_DRAINING
	for _, tc := range []struct{ got, want string }{
		{show.NodeState(row(true, false, 3, up)), "up"},
		{show.NodeState(row(true, false, 3, draining)), "draining"},
		{show.NodeState(row(true, true, 3, up)), "draining"},
		{show.NodeState(row(true, true, 0, up)), "drained"},
		{show.NodeState(row(false, true, 0, up)), "gone, drained"},
		{show.NodeState(row(false, false, 0, up)), "gone"},
		{show.Outcome(&clusterv1.MoveReceipt{Outcome: clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK}), "rolled back"},
		{show.MoveState(&clusterv1.PlannedMove{State: clusterv1.MoveState_MOVE_STATE_DROPPED}), "dropped"},
		{show.Hashes(&clusterv1.MoveReceipt{HashBefore: 1}), "-"},
		{show.Hashes(&clusterv1.MoveReceipt{HashBefore: 1, Outcome: clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED}), "0000000000000000, NOT 0000000000000001"},
		{show.Hashes(&clusterv1.MoveReceipt{HashBefore: 1, HashAfter: 1}), "0000000000000001"},
		{show.Hashes(&clusterv1.MoveReceipt{HashBefore: 1, HashAfter: 2}), "0000000000000002, NOT 0000000000000001"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}
