package top_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/top"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the screens in testdata instead of checking them")

var start = time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)

// screen is a model without a terminal.
type screen struct {
	t     *testing.T
	model *top.Model
	now   time.Time
	looks chan func() (*top.Sample, error)
}

func newScreen(t *testing.T, width, height int) *screen {
	s := &screen{t: t, now: start, looks: make(chan func() (*top.Sample, error), 1)}
	s.model = top.New(top.Config{
		Source: func(context.Context) (*top.Sample, error) { return (<-s.looks)() },
		Every:  time.Second, Now: func() time.Time { return s.now },
	})
	s.model.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return s
}

// look makes the model look once, with this result.
func (s *screen) look(sample *top.Sample, err error) {
	s.t.Helper()
	s.looks <- func() (*top.Sample, error) { return sample, err }
	if _, next := s.model.Update(s.model.Init()()); next == nil {
		s.t.Error("after a look no other one is due")
	}
}

// press presses keys, by name.
func (s *screen) press(keys ...string) tea.Cmd {
	var cmd tea.Cmd
	named := map[string]tea.KeyType{"down": tea.KeyDown, "up": tea.KeyUp, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp}
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if t, ok := named[k]; ok {
			msg = tea.KeyMsg{Type: t}
		}
		_, cmd = s.model.Update(msg)
	}
	return cmd
}

// is compares the screen with a file.
func (s *screen) is(name string) {
	s.t.Helper()
	got := s.model.View() + "\n"
	file := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatalf("%v: run the tests with -rewrite", err)
	}
	if got != string(want) {
		s.t.Errorf("%s: the screen is\n%s\nwant\n%s", name, got, want)
	}
}

func node(name string, owned uint32, rate float64) *adminv1.NodeRow {
	return &adminv1.NodeRow{
		Node: &clusterv1.Node{
			Name: name, Incarnation: name + "-1", Roles: []string{"gateway", "shard"}, State: clusterv1.NodeState_NODE_STATE_UP,
		},
		Owned: owned, Alive: true,
		Load: &adminv1.NodeLoad{Commands: rate, P50Ms: 1.234, P99Ms: 7.77, Backlog: 12},
		Log:  &adminv1.NodeLog{Bytes: 34_567_890},
	}
}

// busy is a cluster of three nodes and n shards, of which shard 3 is moving and
// the last has no owner.
func busy(n int) *top.Sample {
	s := &top.Sample{
		From: "http://10.0.0.1:8081",
		Nodes: &adminv1.NodesResponse{
			Cluster: "k3j5x7w2m9qa", Coordinator: "b-1",
			Nodes: []*adminv1.NodeRow{node("a", 5, 1801.6), node("b", 5, 2212.2), node("c", 0, 0)},
		},
		Shards: new(adminv1.ShardsResponse), Moves: new(adminv1.MovesResponse),
	}
	s.Nodes.Nodes[2].Drained = true
	for i := range n {
		owner := []string{"a", "b"}[i%2]
		s.Shards.Shards = append(s.Shards.Shards, &adminv1.ShardRow{
			Shard: uint32(i), Owner: &clusterv1.Owner{Node: owner, Epoch: uint64(i%3 + 1)}, Assigned: owner,
			Load: &adminv1.ShardLoad{Commands: float64(i*37%100) * 10, Actors: uint64(i * 1000), Bytes: uint64((n - i) << 20)},
		})
	}
	s.Shards.Shards[3].Assigned, s.Shards.Shards[5].Pinned = "a", "b"
	s.Shards.Shards[n-1].Owner, s.Shards.Shards[n-1].Load = nil, nil
	s.Moves.UnderWay = []*adminv1.MoveUnderWay{{Shard: 3, From: "b", To: "a"}, {Shard: uint32(n - 1), To: "b"}}
	s.Moves.Rebalancing = &clusterv1.Rebalance{Id: "p4q6", By: "operator", Moves: []*clusterv1.PlannedMove{
		{Shard: 3, State: clusterv1.MoveState_MOVE_STATE_PENDING}, {Shard: 1, State: clusterv1.MoveState_MOVE_STATE_DONE},
	}}
	moved, back := clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED, clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK
	s.Moves.Receipts = []*clusterv1.MoveReceipt{
		{Shard: 1, From: "c", To: "b", Outcome: moved, StallMs: 12.34, Actors: 4321, Started: timestamppb.New(start.Add(-3 * time.Second))},
		{Shard: 7, From: "c", To: "b", Outcome: back, StallMs: 5003, Actors: 12, Started: timestamppb.New(start.Add(-75 * time.Second))},
	}
	return s
}

func TestScreens(t *testing.T) {
	for name, size := range map[string][2]int{"wide": {100, 30}, "usual": {80, 24}, "narrow": {40, 24}, "tiny": {16, 8}} {
		s := newScreen(t, size[0], size[1])
		s.look(busy(12), nil)
		s.is(name)
		lines := strings.Split(s.model.View(), "\n")
		if len(lines) > size[1] {
			t.Errorf("%s: %d lines on a terminal of %d", name, len(lines), size[1])
		}
		for _, line := range lines {
			if w := lipgloss.Width(line); w > size[0] {
				t.Errorf("%s: a line of %d characters on a terminal of %d: %q", name, w, size[0], line)
			}
		}
	}
}

// However small the terminal, there is a picture that fits.
func TestAnySize(t *testing.T) {
	for width := 1; width < 130; width += 3 {
		for height := 1; height < 40; height += 3 {
			s := newScreen(t, width, height)
			s.look(busy(64), nil)
			s.press("end", "down", "pgdown", "up", "pgup")
			if n := strings.Count(s.model.View(), "\n") + 1; n > height {
				t.Fatalf("%d lines on a terminal of %dx%d", n, width, height)
			}
		}
	}
}

func TestBeforeTheFirstLook(t *testing.T) {
	s := newScreen(t, 60, 5)
	s.press("end", "pgdown", "p", "p")
	s.is("nothing")
	s.look(nil, errors.New("connection refused"))
	s.is("nobody")
}

func TestSortAndScroll(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.look(busy(64), nil)
	for key, first := range map[string]string{"r": "27", "a": "62", "b": "0", "n": "0", "o": "63"} {
		s.press(key)
		if got := shardsOf(s.model.View())[0]; got != first {
			t.Errorf("sorted by %q, the first is shard %s, want %s", key, got, first)
		}
	}
	s.press("n")
	room := len(shardsOf(s.model.View()))
	for _, step := range []struct {
		key   string
		first int
	}{
		{"up", 0}, {"down", 1}, {"down", 2}, {"pgdown", 2 + room}, {"pgup", 2}, {"end", 64 - room}, {"down", 64 - room}, {"home", 0},
	} {
		s.press(step.key)
		if got := shardsOf(s.model.View())[0]; got != fmt.Sprint(step.first) {
			t.Errorf("after %q the first is shard %s, want %d", step.key, got, step.first)
		}
	}
	s.press("end")
	s.look(busy(12), nil) // of another cluster, as it were
	if got := shardsOf(s.model.View()); len(got) == 0 {
		t.Error("the screen has stayed behind the last shard")
	}
}

// shardsOf reads the numbers of the shards on a screen.
func shardsOf(view string) (numbers []string) {
	_, table, _ := strings.Cut(view, "SHARD ")
	for line := range strings.SplitSeq(table, "\n") {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == "by" {
			break
		}
		if len(f) > 1 && f[0] != "OWNER" {
			numbers = append(numbers, f[0])
		}
	}
	return numbers
}

func TestANodeGoesAway(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.look(busy(12), nil)
	s.now = start.Add(4 * time.Second)
	s.look(nil, errors.New("unavailable: connection refused\n(try again)"))
	if v := s.model.View(); !strings.Contains(v, "no answer for 4s: unavailable: connection refused (try again)") || !strings.Contains(v, "COMMANDS/S") {
		t.Errorf("the old picture is not there, or its age:\n%s", v)
	}
	next := busy(12)
	next.From, next.Nodes.Nodes = "http://10.0.0.2:8081", next.Nodes.Nodes[1:]
	s.look(next, nil)
	s.is("gone")
	s.now = s.now.Add(2 * time.Minute)
	s.look(next, nil)
	if v := s.model.View(); strings.Contains(v, "gone") {
		t.Errorf("the node is still there:\n%s", v)
	}
}

// Without NATS there are no receipts, and all the rest.
func TestWithoutMoves(t *testing.T) {
	s := newScreen(t, 80, 24)
	sample := busy(12)
	sample.Moves, sample.Note = nil, "no moves: unavailable: NATS: timeout"
	s.look(sample, nil)
	if v := s.model.View(); !strings.Contains(v, sample.Note) || !strings.Contains(v, "BACKLOG") || strings.Contains(v, "OUTCOME") {
		t.Errorf("the screen is\n%s", v)
	}
}

func TestHold(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.look(busy(12), nil)
	s.press("p")
	next := busy(12)
	next.Nodes.Cluster = "another"
	s.look(next, nil)
	if v := s.model.View(); strings.Contains(v, "another") || !strings.Contains(v, "held") {
		t.Errorf("the picture was not held:\n%s", v)
	}
	s.press("p")
	s.look(next, nil)
	if v := s.model.View(); !strings.Contains(v, "another") {
		t.Errorf("the picture was not let go:\n%s", v)
	}
}

func TestHelpAndEnd(t *testing.T) {
	s := newScreen(t, 80, 24)
	s.look(busy(12), nil)
	s.press("?")
	for line := range strings.SplitSeq(top.Keys, "\n") {
		if !strings.Contains(s.model.View(), line) {
			t.Errorf("the help does not say %q", line)
		}
	}
	for _, key := range []string{"q", "ctrl+c"} {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)}
		if key == "ctrl+c" {
			msg = tea.KeyMsg{Type: tea.KeyCtrlC}
		}
		_, cmd := s.model.Update(msg)
		if cmd == nil {
			t.Fatalf("%s does nothing", key)
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%s does not end it", key)
		}
	}
}
