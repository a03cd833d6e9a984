package zone

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// TestSmallerZone keeps its players, and makes room among its bots.
func TestSmallerZone(t *testing.T) {
	spec := yard(100, 0, 3000)
	r := newRig(t, spec)
	for i := range 1000 {
		r.want(fmt.Sprint("p", i), MethodEnter, &clusterv1.ZoneEnter{})
	}
	spec = yard(50, 0, 3999)
	spec.Zone.MaxPlayers = 1
	r.want("", MethodOpen, &clusterv1.OpenZone{Spec: spec})
	r.wait(time.Second)
	if n := len(r.z.world.entities); n != MaxEntities || r.z.world.find(1000) == nil {
		t.Errorf("%d entities, want %d, all players among them", n, MaxEntities)
	}
	if _, err := r.ask("late", MethodEnter, &clusterv1.ZoneEnter{}); err == nil {
		t.Error("there is room for another player")
	}
}

// TestNewsComeInPieces: a thousand who come at once are told of in messages of a
// bearable size, and not each alone.
func TestNewsComeInPieces(t *testing.T) {
	r := newRig(t, yard(100, 0, 0))
	r.want("first", MethodEnter, &clusterv1.ZoneEnter{})
	r.wait(10 * time.Millisecond)
	for i := range 450 {
		r.want(fmt.Sprintf("p%03d", i), MethodEnter, &clusterv1.ZoneEnter{})
	}
	r.want("p000", MethodLeave, &clusterv1.ZoneLeave{})
	r.want("p001", MethodLeave, &clusterv1.ZoneLeave{})
	r.want("p001", MethodEnter, &clusterv1.ZoneEnter{})
	var joined, left []string
	messages := 0
	for end := r.now.Add(time.Second); r.now.Before(end); r.wait(time.Millisecond) {
		for _, b := range r.out.Broadcasts {
			p := b.Body.(*clientv1.Presence)
			messages++
			if p.GetTotal() != 450 || len(p.GetJoined()) > 200 {
				t.Errorf("%d joined of %d", len(p.GetJoined()), p.GetTotal())
			}
			for _, who := range p.GetJoined() {
				joined = append(joined, who.GetPlayer())
			}
			for _, who := range p.GetLeft() {
				left = append(left, who.GetPlayer())
			}
		}
		r.out.Reset()
	}
	if messages != 3 || len(joined) != 449 || fmt.Sprint(left) != "[p000]" || joined[448] != "p001" {
		t.Errorf("%d messages tell of %d who joined, the last %s, and of %s who left", messages, len(joined), joined[len(joined)-1], left)
	}
}

func TestEntitiesAreNumberedAround(t *testing.T) {
	r := newRig(t, yard(40, 0, 0))
	ann := r.enter("ann").id
	r.z.last = firstBot - 2
	for i, want := range []uint32{firstBot - 1, 2, 3} {
		if got := r.enter(fmt.Sprint("p", i)).id; got != want {
			t.Errorf("entity %d after entity %d of ann, want %d", got, ann, want)
		}
	}
}

func TestSilentPlayersLeaveInPortions(t *testing.T) {
	r := newRig(t, yard(100, 0, 0))
	for i := range 300 {
		r.want(fmt.Sprint("p", i), MethodEnter, &clusterv1.ZoneEnter{})
	}
	r.wait(silence)
	most := 0
	for len(r.z.people) > 0 {
		before := len(r.z.people)
		r.wait(50 * time.Millisecond)
		most = max(most, before-len(r.z.people))
	}
	if most != maxSilent {
		t.Errorf("%d left at once, want at most %d", most, maxSilent)
	}
}

func TestValidate(t *testing.T) {
	if err := Validate(yard(40, 0, 0)); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*clusterv1.ZoneSpec){
		"zone":        func(s *clusterv1.ZoneSpec) { s.Zone = nil },
		"name":        func(s *clusterv1.ZoneSpec) { s.Zone.Name = "Yard" },
		"width":       func(s *clusterv1.ZoneSpec) { s.Zone.Width = 10_001 },
		"height":      func(s *clusterv1.ZoneSpec) { s.Zone.Height = 0 },
		"cell":        func(s *clusterv1.ZoneSpec) { s.Zone.Cell = 4 },
		"cells":       func(s *clusterv1.ZoneSpec) { s.Zone.Width, s.Zone.Height, s.Zone.Cell = 10_000, 10_000, 100 },
		"hz":          func(s *clusterv1.ZoneSpec) { s.Zone.Hz = 61 },
		"max_speed":   func(s *clusterv1.ZoneSpec) { s.Zone.MaxSpeed = math.NaN() },
		"bots":        func(s *clusterv1.ZoneSpec) { s.Bots = 4001 },
		"max_players": func(s *clusterv1.ZoneSpec) { s.Bots = 3001 },
		"mood":        func(s *clusterv1.ZoneSpec) { s.Mood = 9 },
	} {
		s := yard(40, 0, 0)
		change(s)
		if err := Validate(s); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestApplyRefusesWhatCannotBe: each of these events means that the journal is
// not that of this zone, or that a decision was wrong.
func TestApplyRefusesWhatCannotBe(t *testing.T) {
	joined := func(player string, entity uint32) *journalv1.ZoneEvent {
		return &journalv1.ZoneEvent{Change: &journalv1.ZoneEvent_Joined{Joined: &journalv1.ZoneJoined{Player: player, Entity: entity}}}
	}
	for name, e := range map[string]*journalv1.ZoneEvent{
		"nothing":             {},
		"joined twice":        joined("ann", 9),
		"joined as nobody":    joined("", 9),
		"no entity":           joined("bob", 0),
		"a bot's entity":      joined("bob", firstBot),
		"left, was not there": {Change: &journalv1.ZoneEvent_Left{Left: &journalv1.ZoneLeft{Player: "bob"}}},
		"said with a gap":     {Change: &journalv1.ZoneEvent_Said{Said: &journalv1.ChatSaid{Id: 2, Request: 1}}},
		"opened as another":   {Change: &journalv1.ZoneEvent_Opened{Opened: &journalv1.ZoneOpened{}}},
	} {
		r := newRig(t, yard(40, 0, 0))
		r.enter("ann")
		if err := r.z.Apply(e); err == nil {
			t.Errorf("%s: was applied", name)
		}
	}
	if err := newZone(&Config{}, "yard").Apply(joined("ann", 1)); err == nil {
		t.Error("somebody joins a zone that is not open")
	}
}

func TestRestoreRefusesWhatCannotBe(t *testing.T) {
	member := func(player string, entity uint32) []*journalv1.ChatMember {
		return []*journalv1.ChatMember{{Player: player, Entity: entity}}
	}
	for name, st := range map[string]*journalv1.ZoneState{
		"members of a closed zone": {Members: member("ann", 1)},
		"a member without entity":  {Spec: yard(40, 0, 0), Members: member("ann", 0)},
		"a member twice":           {Spec: yard(40, 0, 0), Members: append(member("ann", 1), member("ann", 2)...)},
		"no such zone":             {Spec: yard(0, 0, 0)},
		"lines that are missing":   {Chat: &journalv1.ChatState{Last: 9, Lines: []*journalv1.ChatSaid{{Id: 3}}}},
	} {
		if err := newZone(&Config{}, "yard").Restore(st); err == nil {
			t.Errorf("%s: was restored", name)
		}
	}
}

// TestDecideChangesNothing: what is decided and not applied has not happened.
func TestDecideChangesNothing(t *testing.T) {
	a, b := newRig(t, yard(40, 10, 5)), newRig(t, yard(40, 10, 5))
	say := func(n uint64) proto.Message { return &clientv1.Say{Request: n, Text: "hello"} }
	steer := &clientv1.Intent{Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: 9, Vy: 1}}}
	messages := []actors.Message{
		{Timer: true}, {Method: MethodEnter, Body: &clusterv1.ZoneEnter{}}, {Method: MethodKey, Body: &clusterv1.ZoneKey{Cell: 15}},
		{Method: MethodIntend, Body: steer}, {Method: MethodSay, Body: say(1)}, {Method: MethodStay, Body: &clusterv1.ZoneStay{}},
		{Timer: true}, {Parting: true}, {Method: MethodWho, Body: &clientv1.Who{}}, {Method: MethodLeave, Body: &clusterv1.ZoneLeave{}},
		{Timer: true}, {Method: MethodClose, Body: &clusterv1.CloseZone{}}, {Timer: true},
	}
	for i, m := range messages {
		m.Caller = actors.Caller{Player: "ann", Admin: true}
		for range 3 { // b decides everything three times over
			var out actors.Decision
			if err := b.z.Decide(&actors.Env{Now: b.now, Epoch: 1}, &m, &out); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []*rig{a, b} {
			if _, err := r.turn(m); err != nil {
				t.Fatal(err)
			}
			r.now = r.now.Add(120 * time.Millisecond)
		}
		if x, y := fmt.Sprint(a.frames, describe(a.z)), fmt.Sprint(b.frames, describe(b.z)); x != y {
			t.Fatalf("message %d:\n%s\n%s", i, x, y)
		}
	}
}

// describe is all that a zone has become.
func describe(z *zone) string {
	text, _ := proto.MarshalOptions{Deterministic: true}.Marshal(z.Snapshot())
	out := fmt.Sprintf("%x %+v ", text, z.news)
	if w := z.world; w != nil {
		out += fmt.Sprintf("%d %d %d %+v ", w.start, w.tick, w.random, w.entities)
		for _, c := range w.open {
			out += fmt.Sprintf("%d %d %v ", c.number, c.population, c.dirty)
			if c.stream != nil {
				out += fmt.Sprintf("%x ", c.stream.encoder.Keyframe(nil))
			}
		}
	}
	return out
}

func TestWhatIsNotAZone(t *testing.T) {
	z := newZone(&Config{Meter: unmetered{}}, "No Zone")
	var out actors.Decision
	err := z.Decide(&actors.Env{Now: time.Unix(1, 0)}, &actors.Message{Method: MethodEnter, Body: &clusterv1.ZoneEnter{}}, &out)
	if err == nil || !strings.Contains(err.Error(), "CODE_INVALID_ARGUMENT") {
		t.Errorf("an actor that cannot be a zone: %v", err)
	}
	r := newRig(t, yard(40, 0, 0))
	if _, err := r.ask("", MethodOpen, &clusterv1.OpenZone{Spec: &clusterv1.ZoneSpec{Zone: &clientv1.Zone{
		Name: "hall", Width: 10, Height: 10, Hz: 20, MaxSpeed: 6, MaxPlayers: 9,
	}}}); err == nil {
		t.Error("a zone is opened as another")
	}
}
