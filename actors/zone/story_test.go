package zone_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/zone"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

var rewrite = flag.Bool("rewrite", false, "write the stories and golden files anew, as they are told now")

func TestStories(t *testing.T) {
	actorstest.TellStories(t, *rewrite, newStory)
}

// story is a zone that is told what to do, line by line.
type story struct {
	actorstest.Story
	t       *testing.T
	w       *actorstest.World
	ref     actors.Ref
	viewers map[string]*delta.Decoder // by topic
}

func newStory(t *testing.T) *actorstest.Story {
	s := &story{t: t, ref: zone.Ref("yard"), viewers: make(map[string]*delta.Decoder)}
	w, err := actorstest.New(actorstest.Config{
		Delay: time.Millisecond, Kinds: []actors.Kind{zone.Kind(zone.Config{})},
		Journaled: s.journaled, Cast: s.shown,
		Heard: func(b actors.Broadcast) { s.Printf("%s: %s", b.Topic, actorstest.Format(actorstest.Timeless(b.Body))) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.w, s.Do = w, s.do
	s.End = func() {
		if err := w.Verify(); err != nil {
			t.Error(err)
		}
	}
	return &s.Story
}

func (s *story) journaled(_ actors.Ref, event proto.Message) {
	s.Printf("* %s", actorstest.Format(actorstest.Timeless(event)))
}

// shown follows every cell. Of the frames it tells the keyframes.
func (s *story) shown(topic string, frame []byte) {
	d := s.viewers[topic]
	if d == nil {
		d = delta.NewDecoder(delta.World)
		s.viewers[topic] = d
	}
	if err := d.Decode(frame); err != nil {
		s.t.Errorf("%s: %v", topic, err)
	}
	if d.Header().Key {
		s.Printf("%s: keyframe %s", topic, table(d.Table()))
	}
}

var states = []string{"idle", "moving", "striking", "hurt", "dead"}

func table(t *delta.Table) string {
	var out []string
	for i := range t.Len() {
		r := t.Row(i)
		out = append(out, fmt.Sprintf("%d at %.2f %.2f heading %d hp %d %s", t.ID(i), float64(r[0])/100, float64(r[1])/100, r[2], r[3], states[r[4]]))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// do carries out one command and lets the world settle.
func (s *story) do(f []string) {
	number := func(i int) float64 {
		if i >= len(f) {
			return 0
		}
		n, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			s.t.Fatalf("%v: %v", f, err)
		}
		return n
	}
	period := func(i int) time.Duration {
		d, err := time.ParseDuration(f[i])
		if err != nil {
			s.t.Fatalf("%v: %v", f, err)
		}
		return d
	}
	wait := 20 * time.Millisecond
	who, intent := actors.PlayerID(""), (*clientv1.Intent)(nil)
	if len(f) > 1 {
		who = actors.PlayerID(f[1])
	}
	switch f[0] {
	case "open": // side cell players bots mood
		spec := spec(s.ref.ID, uint32(number(1)), uint32(number(2)), uint32(number(4)), clusterv1.BotMood(number(5)))
		spec.Zone.MaxPlayers = uint32(number(3))
		s.call("", zone.MethodOpen, &clusterv1.OpenZone{Spec: spec})
	case "close":
		s.call("", zone.MethodClose, &clusterv1.CloseZone{})
	case "enter":
		s.call(who, zone.MethodEnter, &clusterv1.ZoneEnter{})
	case "spectate":
		s.call(who, zone.MethodEnter, &clusterv1.ZoneEnter{Spectate: true})
	case "leave":
		s.call(who, zone.MethodLeave, &clusterv1.ZoneLeave{})
	case "stay":
		s.call(who, zone.MethodStay, &clusterv1.ZoneStay{})
	case "steer": // player vx vy entity
		intent = &clientv1.Intent{Entity: uint32(number(4)), Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: number(2), Vy: number(3)}}}
	case "walk": // player x y
		intent = &clientv1.Intent{Action: &clientv1.Intent_Walk{Walk: &clientv1.Walk{To: &clientv1.Point{X: number(2), Y: number(3)}}}}
	case "strike": // player entity
		intent = &clientv1.Intent{Action: &clientv1.Intent_Strike{Strike: &clientv1.Strike{Entity: uint32(number(2))}}}
	case "who":
		s.call("bob", zone.MethodWho, &clientv1.Who{})
	case "say": // player request text
		s.call(who, zone.MethodSay, &clientv1.Say{Request: uint64(number(2)), Text: strings.Join(f[3:], " ")})
	case "read": // player after
		s.call(who, zone.MethodReadChat, &clientv1.ReadChat{After: uint64(number(2))})
	case "key": // cell
		s.call("bob", zone.MethodKey, &clusterv1.ZoneKey{Cell: uint32(number(1))})
	case "look":
		for _, topic := range slices.Sorted(maps.Keys(s.viewers)) {
			s.Printf("%s: %s", topic, table(s.viewers[topic].Table()))
		}
		return
	case "crash":
		s.w.Crash(0, 0)
	case "move":
		s.w.HandOver(0, period(1))
		wait = period(1) + 20*time.Millisecond
	case "wait":
		wait = period(1)
	default:
		s.t.Fatalf("%v: no such command", f)
	}
	if intent != nil {
		s.call(who, zone.MethodIntend, intent)
	}
	if err := s.w.Run(wait, nil); err != nil {
		s.t.Fatalf("%v: %v", f, err)
	}
}

// call asks the zone as a player, or as an operator.
func (s *story) call(player actors.PlayerID, method string, body proto.Message) {
	s.w.Call(actorstest.Call{
		To: s.ref, Method: method, Body: body, Caller: actors.Caller{Player: player, Admin: player == ""},
		Done: func(reply proto.Message, refusal *actors.Refusal) {
			if refusal != nil {
				s.Printf("refused: %v", refusal)
				return
			}
			if k, ok := reply.(*clusterv1.ZoneKeyframe); ok {
				d := delta.NewDecoder(delta.World)
				if err := d.Decode(k.GetFrame()); err != nil {
					s.t.Errorf("key: %v", err)
				}
				s.Printf("answered: %s", table(d.Table()))
				return
			}
			s.Printf("answered: %s", actorstest.Format(actorstest.Timeless(reply)))
		},
	})
}
