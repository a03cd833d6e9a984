package ctl

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	movedOutcome = clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED
	rolledBack   = clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK
)

// expect runs ctl and checks its status and what it says in all.
func expect(t *testing.T, status int, says []string, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr, err := ctl(t, args...)
	said := stdout + stderr
	if err != nil {
		said += err.Error()
	}
	if got := exit.Status(err); got != status {
		t.Errorf("%q: status %d, want %d; it says\n%s", args, got, status, said)
	}
	for _, text := range says {
		if !strings.Contains(said, text) {
			t.Errorf("%q does not say %q, but\n%s", args, text, said)
		}
	}
	if strings.Contains(said, "of another day") {
		t.Errorf("%q shows a receipt that is not its own:\n%s", args, said)
	}
	return stdout
}

func TestMoveWaits(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		switch look { // the first is before the move
		case 3:
			f.receipt(1, "a", "b", rolledBack, "not verified in time")
		case 4:
			f.arrive(1, "b")
		}
	}
	expect(t, 0, []string{
		"shard 1 is to move from a to b", "move shard 1 to b: 0 of 1 shards", "move shard 1 to b: 1 of 1 shards",
		"OUTCOME", "rolled back", "not verified in time", "4.2 ms", "000000000000004d",
	}, "move", "1", "b", "--wait", "--data", f.run(t))
}

func TestMoveDoesNotWait(t *testing.T) {
	f := newCluster("a", "b")
	data := f.run(t)
	expect(t, 0, []string{"shard 1 is to move from a to b"}, "move", "1", "b", "--data", data)
	expect(t, 0, []string{"shard 1 is with a already"}, "move", "1", "a", "--wait", "--data", data)
	f.change(func() { f.shards[2].Owner = nil })
	expect(t, 0, []string{"nobody owns"}, "move", "2", "b", "--data", data)
}

// A shard without an owner is claimed, which leaves no receipt.
func TestMoveOfAShardThatNobodyOwns(t *testing.T) {
	f := newCluster("a", "b")
	f.shards[2].Owner = nil
	f.onLook = func(look int) {
		if look == 3 {
			f.shards[2].Owner = &clusterv1.Owner{Node: "b", Epoch: 2}
		}
	}
	expect(t, 0, []string{"1 of 1 shards"}, "move", "2", "b", "--wait", "--data", f.run(t))
}

func TestMoveThatIsNotDone(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look == 3 {
			f.receipt(1, "a", "b", rolledBack, "no answer of b")
		}
	}
	expect(t, exit.NotDone, []string{
		"not done within 600ms", "it is still with a", "the last try of shard 1: no answer of b", "it goes on",
	}, "move", "1", "b", "--wait", "--timeout=600ms", "--data", f.run(t))
}

func TestMoveThatSomebodyElseUndoes(t *testing.T) {
	f := newCluster("a", "b", "c")
	f.onLook = func(look int) {
		if look == 3 {
			f.receipt(1, "a", "b", rolledBack, "b is no longer a member")
			f.shards[1].Assigned = "c"
		}
	}
	expect(t, exit.Refused, []string{"it is to go to c now", "b is no longer a member"}, "move", "1", "b", "--wait", "--data", f.run(t))
}

func TestReceiptsAreLookedAt(t *testing.T) {
	for name, spoil := range map[string]func(*clusterv1.MoveReceipt){
		"lost 2 commands": func(r *clusterv1.MoveReceipt) { r.Lost = 2 },
		"another state":   func(r *clusterv1.MoveReceipt) { r.HashAfter++ },
	} {
		f := newCluster("a", "b")
		f.onLook = func(look int) {
			if look == 2 {
				spoil(f.arrive(1, "b"))
			}
		}
		expect(t, exit.Failed, []string{name}, "move", "1", "b", "--wait", "--data", f.run(t))
	}
}

func TestRefusalsHaveTheirStatus(t *testing.T) {
	f := newCluster("a", "b")
	data := f.run(t)
	for code, status := range map[connect.Code]int{
		connect.CodeInvalidArgument: exit.Unusable, connect.CodeUnauthenticated: exit.Unusable,
		connect.CodeFailedPrecondition: exit.Refused, connect.CodeNotFound: exit.NotFound,
		connect.CodeUnavailable: exit.Unavailable, connect.CodeResourceExhausted: exit.Unavailable,
		connect.CodeDeadlineExceeded: exit.NotDone, connect.CodeInternal: exit.Failed,
	} {
		f.change(func() { f.refuse = connect.NewError(code, errors.New("as asked")) })
		expect(t, status, []string{"as asked"}, "move", "1", "b", "--wait", "--data", data)
	}
}

// A node that goes away in the middle of a call is not somebody who cancels it.
func TestABrokenConnectionIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer func() { _ = l.Close(); <-done }()
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1)) // the rest of the request is never read
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}()
	expect(t, exit.Unavailable, []string{"reset"}, "nodes", "--data", dataFolder(t, l.Addr().String()))
}

func TestDrainWaits(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look >= 2 && look < 6 {
			f.arrive(uint32(look-2), "b")
		}
	}
	expect(t, 0, []string{
		"a is drained: 4 shards are to leave it", "drain a: 1 of 4 shards", "drain a: 4 of 4 shards", "TOOK",
	}, "drain", "a", "--wait", "--data", f.run(t))
}

// A node that dies while it is drained has nothing left, and leaves no receipts.
func TestDrainOfANodeThatDies(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look == 3 {
			delete(f.nodes, "a")
			for _, s := range f.shards {
				s.Owner = nil
			}
		}
	}
	expect(t, 0, []string{"4 of 4 shards"}, "drain", "a", "--wait", "--data", f.run(t))
}

func TestDrainThatIsTakenBack(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look == 4 {
			f.nodes["a"].Drained = false
		}
	}
	expect(t, exit.Refused, []string{"somebody has undrained it"}, "drain", "a", "--wait", "--data", f.run(t))
}

func TestDrainThatIsNotDone(t *testing.T) {
	f := newCluster("a", "b")
	expect(t, exit.NotDone, []string{"4 of 4 shards are still there"}, "drain", "a", "--wait", "--timeout=500ms", "--data", f.run(t))
}

// The node that was asked goes away; another one, which it has told of, knows how
// it ends.
func TestWaitingSurvivesItsNode(t *testing.T) {
	f := newCluster("a", "b")
	first, second := f.listen(t), f.listen(t)
	f.nodes["b"].Node.AdminAddress = second.Listener.Addr().String()
	gone := make(chan struct{})
	f.onLook = func(look int) {
		if look == 2 {
			go func() {
				defer close(gone)
				first.CloseClientConnections()
				first.Close()
			}()
		}
		if look == 4 {
			f.arrive(1, "b")
		}
	}
	expect(t, 0, []string{"1 of 1 shards"}, "move", "1", "b", "--wait", "--data", dataFolder(t, first.Listener.Addr().String()))
	<-gone
}

func TestRebalance(t *testing.T) {
	f := newCluster("a", "b")
	data := f.run(t)
	table := []string{"NODE", "SHARDS AFTER", "400", "an even share is 200; the farthest node is off by 100.0 %, afterwards by 0.0 %", "load"}
	expect(t, 0, append(table, "2 shards would move"), "rebalance", "--dry-run", "--wait", "--data", data)
	expect(t, 0, append(table, "2 shards are to move: rebalance p4q6"), "rebalance", "--max-concurrent=3", "--data", data)
	if f.rebalancing.GetMaxMoving() != 3 {
		t.Errorf("the cluster was asked for %v", f.rebalancing)
	}
	expect(t, exit.Unusable, []string{"--max-concurrent"}, "rebalance", "--max-concurrent=0", "--data", data)
	f.change(func() {
		f.looks = 0
		f.onLook = func(look int) {
			if look != 2 && look != 3 {
				return
			}
			shard := uint32(look - 2)
			f.arrive(shard, "b")
			f.rebalancing.Moves[shard].State = clusterv1.MoveState_MOVE_STATE_DONE
			if shard == 1 {
				f.rebalancing.Finished = timestamppb.Now()
			}
		}
	})
	expect(t, 0, []string{"rebalance: 1 of 2 shards", "rebalance: 2 of 2 shards", "OUTCOME"}, "rebalance", "--wait", "--data", data)
}

func TestRebalanceThatIsNotDone(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look == 3 {
			f.rebalancing.Moves[1].State, f.rebalancing.Moves[1].Note = clusterv1.MoveState_MOVE_STATE_DROPPED, "b has gone"
			f.rebalancing.Moves[0].State = clusterv1.MoveState_MOVE_STATE_DONE
			f.rebalancing.Finished = timestamppb.Now()
		}
	}
	data := f.run(t)
	expect(t, exit.Failed, []string{"1 of 2 moves were dropped: b has gone"}, "rebalance", "--wait", "--data", data)
	f.change(func() { f.onLook = nil })
	expect(t, exit.NotDone, []string{"2 of 2 moves are left"}, "rebalance", "--wait", "--timeout=500ms", "--data", data)
	f.change(func() {
		f.looks = 0
		f.onLook = func(look int) {
			if look == 4 {
				f.rebalancing = &clusterv1.Rebalance{Id: "another"}
			}
		}
	})
	expect(t, exit.Refused, []string{"another rebalancing has taken its place"}, "rebalance", "--wait", "--data", data)
}

func TestWaitedJSONIsOneText(t *testing.T) {
	f := newCluster("a", "b")
	f.onLook = func(look int) {
		if look == 2 {
			f.arrive(1, "b")
		}
	}
	out := expect(t, 0, nil, "move", "1", "b", "--wait", "--json", "--data", f.run(t))
	var got struct {
		Result   struct{ From, To string }
		Receipts []struct{ Outcome string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Result.To != "b" || len(got.Receipts) != 1 || got.Receipts[0].Outcome != movedOutcome.String() {
		t.Errorf("%v: %s", err, out)
	}
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-27T17:00:00Z": now.Add(-time.Hour), "2026-11-27T18:30:00+01:00": now.Add(-30 * time.Minute), "15m": now.Add(-15 * time.Minute), "0s": now,
	} {
		if got, err := parseMoment(text, now); err != nil || !got.AsTime().Equal(want) {
			t.Errorf("%q: %v (%v), want %v", text, got.AsTime(), err, want)
		}
	}
	for _, text := range []string{"-15m", "yesterday", "18:00"} {
		if got, err := parseMoment(text, now); err == nil || !strings.Contains(err.Error(), "--at") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
