package group_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/group"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the stories and golden files anew, as they are told now")

func TestStories(t *testing.T) {
	actorstest.TellStories(t, *rewrite, func(t *testing.T) *actorstest.Story {
		s := new(actorstest.Story)
		w, err := actorstest.New(actorstest.Config{
			Delay: time.Millisecond, Kinds: []actors.Kind{group.Kind()},
			Journaled: func(_ actors.Ref, e proto.Message) { s.Printf("* %s", actorstest.Format(actorstest.Timeless(e))) },
			Heard:     func(b actors.Broadcast) { s.Printf("%s: %s", b.Topic, actorstest.Format(actorstest.Timeless(b.Body))) },
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Do = func(f []string) { do(t, s, w, f) }
		s.End = func() {
			if err := w.Verify(); err != nil {
				t.Error(err)
			}
		}
		return s
	})
}

// do carries out one command: a group, what to do, who, and with what.
func do(t *testing.T, s *actorstest.Story, w *actorstest.World, f []string) {
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(f[i], 10, 64)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		return n
	}
	call := func(method string, body proto.Message) {
		player := actors.PlayerID(f[2])
		if player == "operator" {
			player = ""
		}
		w.Call(actorstest.Call{
			To: group.Ref(f[0]), Method: method, Body: body, Caller: actors.Caller{Player: player, Admin: player == ""},
			Done: func(reply proto.Message, refusal *actors.Refusal) {
				if refusal != nil {
					s.Printf("refused: %v", refusal)
					return
				}
				s.Printf("answered: %s", actorstest.Format(actorstest.Timeless(reply)))
			},
		})
	}
	switch {
	case f[0] == "crash":
		w.Crash(0, 0)
	case f[1] == "join":
		call(group.MethodJoin, &clusterv1.GroupJoin{})
	case f[1] == "leave":
		call(group.MethodLeave, &clusterv1.GroupLeave{})
	case f[1] == "who":
		call(group.MethodWho, &clientv1.Who{})
	case f[1] == "say":
		call(group.MethodSay, &clientv1.Say{Request: number(3), Text: strings.Join(f[4:], " ")})
	case f[1] == "read":
		call(group.MethodReadChat, &clientv1.ReadChat{After: number(3)})
	default:
		t.Fatalf("%v: no such command", f)
	}
	if err := w.Run(20*time.Millisecond, nil); err != nil {
		t.Fatalf("%v: %v", f, err)
	}
}

const goldenFile = "testdata/journal-v1.golden"

// TestJournalIsReadableForEver replays events that an earlier version wrote, and
// compares the states with the ones they gave then.
func TestJournalIsReadableForEver(t *testing.T) {
	if *rewrite {
		writeGolden(t)
	}
	actorstest.CheckGolden(t, goldenFile, group.Kind())
}

// writeGolden makes every kind of event happen.
func writeGolden(t *testing.T) {
	var golden actorstest.Golden
	w, err := actorstest.New(actorstest.Config{Kinds: []actors.Kind{group.Kind()}, Journaled: golden.Event})
	if err != nil {
		t.Fatal(err)
	}
	s := new(actorstest.Story)
	for _, command := range []string{
		"a join ann", "a join bob", "a say ann 1 hello", "a say bob 7 bye", "a leave bob",
		"b join ann", "b say ann 1 hello", "b leave ann",
	} {
		do(t, s, w, strings.Fields(command))
	}
	golden.States(w)
	golden.Write(t, goldenFile)
}

// turn has a group answer one message.
func turn(t *testing.T, g actors.Behaviour, m actors.Message) (proto.Message, error) {
	t.Helper()
	var out actors.Decision
	m.ReplyTo = t
	if err := g.Decide(&actors.Env{Now: time.Unix(1000, 0)}, &m, &out); err != nil {
		return nil, err
	}
	for _, e := range out.Events {
		if err := g.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return out.Replies[0].Body, nil
}

func TestGroupsHaveRoom(t *testing.T) {
	g := group.Kind().New("full")
	join := func(player string) (proto.Message, error) {
		return turn(t, g, actors.Message{Method: group.MethodJoin, Body: &clusterv1.GroupJoin{}, Caller: actors.Caller{Player: actors.PlayerID(player)}})
	}
	for i := range group.MaxMembers {
		if reply, err := join(fmt.Sprint("p", i)); err != nil || reply.(*clusterv1.GroupJoined).GetMembers() != uint32(i+1) {
			t.Fatalf("member %d: %v, %v", i+1, reply, err)
		}
	}
	if _, err := join("late"); err == nil || !strings.Contains(err.Error(), "CODE_LIMIT_REACHED") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := join("p7"); err != nil {
		t.Errorf("a member joins again: %v", err)
	}
	books := make(map[string]int64)
	g.(actors.Accountant).Accounts(func(account string, amount int64) { books[account] += amount })
	if books["group/members"] != group.MaxMembers {
		t.Errorf("books: %v", books)
	}
}

// TestWhatCannotBe: each of these means that the journal is not that of this
// group, or that a decision was wrong.
func TestWhatCannotBe(t *testing.T) {
	for name, e := range map[string]*journalv1.GroupEvent{
		"nothing":             {},
		"joined as nobody":    {Change: &journalv1.GroupEvent_Joined{Joined: &journalv1.GroupJoined{}}},
		"left, was not there": {Change: &journalv1.GroupEvent_Left{Left: &journalv1.GroupLeft{Player: "ann"}}},
		"said with a gap":     {Change: &journalv1.GroupEvent_Said{Said: &journalv1.ChatSaid{Id: 2, Request: 1}}},
	} {
		if group.Kind().New("a").Apply(e) == nil {
			t.Errorf("%s: was applied", name)
		}
	}
	for name, st := range map[string]*journalv1.GroupState{
		"a member twice": {Members: []*journalv1.ChatMember{{Player: "ann"}, {Player: "ann"}}},
		"lines missing":  {Chat: &journalv1.ChatState{Last: 2, Lines: []*journalv1.ChatSaid{{Id: 1}}}},
	} {
		if group.Kind().New("a").Restore(st) == nil {
			t.Errorf("%s: was restored", name)
		}
	}
	_, err := turn(t, group.Kind().New("No Group"), actors.Message{Method: group.MethodJoin, Body: &clusterv1.GroupJoin{}, Caller: actors.Caller{Player: "ann"}})
	if err == nil || !strings.Contains(err.Error(), "CODE_INVALID_ARGUMENT") {
		t.Errorf("an actor that cannot be a group: %v", err)
	}
}
