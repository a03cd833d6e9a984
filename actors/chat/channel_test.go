package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

var yard = actors.Ref{Kind: "zone", ID: "yard"}

// room is a channel, and a clock.
type room struct {
	*testing.T
	Channel
	now time.Time
}

func newRoom(t *testing.T) *room { return &room{T: t, now: time.Unix(1000, 0)} }

// say returns the line's number, or the code of the refusal.
func (r *room) say(player string, request uint64, text string) string {
	r.Helper()
	said, id, err := r.Channel.say(r.now, actors.PlayerID(player), &clientv1.Say{Request: request, Text: text})
	if err != nil {
		var refusal *actors.Refusal
		if !errors.As(err, &refusal) {
			r.Fatalf("not a refusal: %v", err)
		}
		return refusal.Code.String()
	}
	if said == nil {
		return fmt.Sprintf("again %d", id)
	}
	if err := r.Apply(said); err != nil {
		r.Fatal(err)
	}
	return fmt.Sprint(id)
}

func TestSay(t *testing.T) {
	r := newRoom(t)
	for i, test := range []struct {
		player  string
		request uint64
		text    string
		want    string
	}{
		{"ann", 10, "hello", "1"},
		{"bob", 10, "hello", "2"},
		{"ann", 10, "hello", "again 1"},
		{"ann", 10, "bye", "CODE_INVALID_ARGUMENT"},
		{"ann", 9, "early", "CODE_EXPIRED_REQUEST"},
		{"ann", 0, "zero", "CODE_INVALID_ARGUMENT"},
		{"ann", 1 << 63, "late", "3"},
		{"ann", 11, "between", "CODE_EXPIRED_REQUEST"},
	} {
		if got := r.say(test.player, test.request, test.text); got != test.want {
			t.Errorf("%d: %s, want %s", i, got, test.want)
		}
	}
}

func TestTexts(t *testing.T) {
	r := newRoom(t)
	for i, test := range []struct {
		text string
		fine bool
	}{
		{"", false}, {" \t ", false}, {"hello\nbob: bye", false}, {"bell\a", false}, {"nul\x00", false},
		{"\u0085", false}, {"line\u2028separator", false}, {"bad\xff", false}, {strings.Repeat("x", MaxLineBytes+1), false},
		{strings.Repeat("é", MaxLineBytes/2+1), false},
		{strings.Repeat("x", MaxLineBytes), true}, {"grüße, 世界, 👋🏽", true}, {"שלום", true}, {"a", true},
	} {
		r.now = r.now.Add(time.Minute)
		if got := r.say("ann", uint64(i+1), test.text); strings.HasPrefix(got, "CODE") == test.fine {
			t.Errorf("%q: %s", test.text, got)
		}
	}
}

func TestRate(t *testing.T) {
	r := newRoom(t)
	n := uint64(0)
	next := func(player string) string {
		n++
		return r.say(player, n, "x")
	}
	for range rateLines {
		next("ann")
		r.now = r.now.Add(time.Second)
	}
	_, _, err := r.Channel.say(r.now, "ann", &clientv1.Say{Request: 99, Text: "x"})
	var refusal *actors.Refusal
	if !errors.As(err, &refusal) || refusal.Code != clientv1.Code_CODE_RATE_LIMITED || refusal.RetryAfter != 5*time.Second {
		t.Errorf("the sixth line in five seconds: %v", err)
	}
	if got := r.say("ann", 1, "x"); got != "again 1" {
		t.Errorf("a copy under the limit: %s", got)
	}
	if got := next("bob"); got != "6" {
		t.Errorf("another player: %s", got)
	}
	r.now = r.now.Add(5 * time.Second)
	if got := next("ann"); got != "7" {
		t.Errorf("ten seconds after the first: %s", got)
	}
	r.now = r.now.Add(-time.Hour) // another node's clock
	_, _, err = r.Channel.say(r.now, "ann", &clientv1.Say{Request: 99, Text: "x"})
	if !errors.As(err, &refusal) || refusal.RetryAfter > rateTime {
		t.Errorf("after the clock has gone back: %v", err)
	}
}

func TestHistory(t *testing.T) {
	r := newRoom(t)
	if h := r.Read(yard, 0); len(h.GetLines()) != 0 || r.Snapshot() != nil {
		t.Error("an empty channel has a past")
	}
	for i := range History + 20 {
		r.now = r.now.Add(2 * time.Second)
		r.say("ann", uint64(i+1), fmt.Sprint("line ", i+1))
	}
	lines := r.Read(yard, 0).GetLines()
	if len(lines) != History || lines[0].GetId() != 21 || lines[0].GetText() != "line 21" || lines[History-1].GetId() != History+20 {
		t.Errorf("%d lines, from %v", len(lines), lines[0])
	}
	if got := r.Read(yard, History+18).GetLines(); len(got) != 2 || got[0].GetChannel() != "zone/yard" || !got[1].GetAt().AsTime().Equal(r.now) {
		t.Errorf("after line %d: %v", History+18, got)
	}
	r.Forget()
	r.now = r.now.Add(time.Minute)
	if got := r.say("ann", 999, "again"); got != fmt.Sprint(History+21) || len(r.Read(yard, 0).GetLines()) != 1 {
		t.Errorf("after forgetting: line %s of %d", got, len(r.Read(yard, 0).GetLines()))
	}
}

// TestSpeakersAreForgotten when they have been silent for long, or when there are
// too many: not before.
func TestSpeakersAreForgotten(t *testing.T) {
	r := newRoom(t)
	r.say("ann", 5, "hello")
	r.say("bob", 5, "hello")
	r.now = r.now.Add(memory)
	r.say("bob", 6, "hello")
	if got := r.say("ann", 5, "hello"); got != "again 1" {
		t.Errorf("ann is forgotten too early: %s", got)
	}
	r.now = r.now.Add(time.Second)
	r.say("bob", 7, "hello")
	if got := r.say("ann", 1, "anew"); got != "5" {
		t.Errorf("ann is not forgotten: %s", got)
	}
	for i := range maxSpeakers {
		r.say(fmt.Sprint("p", i), 1, "hello")
	}
	if n := len(r.speakers.byPlayer); n != maxSpeakers || r.speakers.find("ann") != nil || r.speakers.find("p0") == nil {
		t.Errorf("%d speakers are remembered, want %d, the latest", n, maxSpeakers)
	}
}

// TestSnapshot: whatever a channel is restored from, it goes on alike.
func TestSnapshot(t *testing.T) {
	r := newRoom(t)
	for i := range 300 {
		r.now = r.now.Add(700 * time.Millisecond)
		r.say(fmt.Sprint("p", i*i%7), uint64(i+1), fmt.Sprint("line ", i))
		again := newRoom(t)
		if err := again.Restore(r.Snapshot()); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(again.Snapshot(), r.Snapshot()) {
			t.Fatalf("after line %d: restored as another", i)
		}
		if i%10 == 0 {
			r.Channel = again.Channel
		}
	}
}

func TestWhatCannotBe(t *testing.T) {
	r := newRoom(t)
	r.say("ann", 1, "hello")
	for name, e := range map[string]*journalv1.ChatSaid{
		"a gap": {Id: 3, Player: "ann", Request: 2}, "a line again": {Id: 1, Player: "ann", Request: 2},
		"a request again": {Id: 2, Player: "ann", Request: 1},
	} {
		if r.Apply(e) == nil {
			t.Errorf("%s: was applied", name)
		}
	}
	speaker := func(player string, requests ...uint64) *journalv1.ChatSpeaker {
		s := &journalv1.ChatSpeaker{Player: player}
		for _, n := range requests {
			s.Requests = append(s.Requests, &journalv1.ChatRequest{Request: n})
		}
		return s
	}
	for name, st := range map[string]*journalv1.ChatState{
		"lines with a gap":        {Last: 9, Lines: []*journalv1.ChatSaid{{Id: 7}, {Id: 9}}},
		"too many lines":          {Last: 101, Lines: make([]*journalv1.ChatSaid, 101)},
		"a speaker who is silent": {Speakers: []*journalv1.ChatSpeaker{speaker("ann")}},
		"a speaker twice":         {Speakers: []*journalv1.ChatSpeaker{speaker("ann", 1), speaker("ann", 2)}},
		"requests out of order":   {Speakers: []*journalv1.ChatSpeaker{speaker("ann", 2, 1)}},
		"too many requests":       {Speakers: []*journalv1.ChatSpeaker{speaker("ann", 1, 2, 3, 4, 5, 6, 7, 8, 9)}},
	} {
		if new(Channel).Restore(st) == nil {
			t.Errorf("%s: was restored", name)
		}
	}
}

func TestPeople(t *testing.T) {
	var p People
	for _, name := range []actors.PlayerID{"cid", "ann", "bob"} {
		if err := p.Join(Person{Player: name, Entity: uint32(name[0])}); err != nil {
			t.Fatal(err)
		}
	}
	if p.Join(Person{Player: "ann"}) == nil || p.Join(Person{}) == nil {
		t.Error("somebody joins twice, or nobody joins")
	}
	if who, ok := p.Find("bob"); !ok || who.Entity != 'b' {
		t.Errorf("bob is %v", who)
	}
	if _, err := p.Leave("dora"); err == nil {
		t.Error("somebody leaves who is not there")
	}
	if _, err := p.Leave("bob"); err != nil {
		t.Error(err)
	}
	var again People
	if err := again.Restore(p.Snapshot()); err != nil || !slices.Equal(again, p) {
		t.Errorf("restored as %v: %v", again, err)
	}
	for i := range 300 {
		_ = p.Join(Person{Player: actors.PlayerID(fmt.Sprintf("p%03d", i))})
	}
	present := p.Present(yard)
	if present.GetTotal() != 302 || len(present.GetPeople()) != MaxShown || present.GetPeople()[0].GetPlayer() != "ann" || present.GetChannel() != "zone/yard" {
		t.Errorf("%d of %d are shown, from %v", len(present.GetPeople()), present.GetTotal(), present.GetPeople()[0])
	}
}

func TestNames(t *testing.T) {
	for name, fine := range map[string]bool{
		"yard": true, "0": true, "a-b_c9": true, strings.Repeat("x", 32): true,
		"": false, "-yard": false, "Yard": false, "a.b": false, "a/b": false, "a*": false, "ä": false, strings.Repeat("x", 33): false,
	} {
		if ValidName(name) != fine || (CheckRef(actors.Ref{Kind: "group", ID: name}) == nil) != fine {
			t.Errorf("%q: fine: %v", name, !fine)
		}
	}
	if got := Topic(yard) + " " + PresenceTopic(yard) + " " + Name(yard); got != "chat.zone.yard zone.yard.who zone/yard" {
		t.Error(got)
	}
}
