package zone

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// rig is one zone that is asked one thing after the other.
type rig struct {
	*testing.T
	z      *zone
	now    time.Time
	epoch  uint64
	out    actors.Decision
	frames []string // topics of what the last turn has shown
	meter
}

type meter struct{ steps, skipped, frames, clamped int }

func (m *meter) Ticked(steps, skipped int) { m.steps, m.skipped = m.steps+steps, m.skipped+skipped }
func (m *meter) Shown(frames, _ int)       { m.frames += frames }
func (m *meter) Clamped()                  { m.clamped++ }

func yard(side, cell, bots uint32) *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{Name: "yard", Width: side, Height: side, Cell: cell, Hz: 20, MaxSpeed: 6, MaxPlayers: 1000},
		Bots: bots,
	}
}

func newRig(t *testing.T, spec *clusterv1.ZoneSpec) *rig {
	r := &rig{T: t, now: time.Unix(1_800_000_000, 0), epoch: 1}
	r.z = newZone(&Config{Meter: &r.meter}, "yard")
	r.want("", MethodOpen, &clusterv1.OpenZone{Spec: spec})
	return r
}

// turn lets the zone answer a message.
func (r *rig) turn(msg actors.Message) (proto.Message, error) {
	r.Helper()
	r.out.Reset()
	msg.Self, msg.ReplyTo = r.z.ref, r
	if err := r.z.Decide(&actors.Env{Now: r.now, Epoch: r.epoch}, &msg, &r.out); err != nil {
		return nil, err
	}
	for _, e := range r.out.Events {
		if err := r.z.Apply(e); err != nil {
			r.Fatal(err)
		}
	}
	r.z.ApplyVolatile(r.out.Volatile)
	r.frames = nil
	r.z.Cast(func(topic string, _ []byte) { r.frames = append(r.frames, topic) })
	if len(r.out.Replies) == 0 {
		return nil, nil
	}
	return r.out.Replies[0].Body, nil
}

func (r *rig) ask(player, method string, body proto.Message) (proto.Message, error) {
	r.Helper()
	return r.turn(actors.Message{Method: method, Body: body, Caller: actors.Caller{Player: actors.PlayerID(player), Admin: player == ""}})
}

func (r *rig) want(player, method string, body proto.Message) proto.Message {
	r.Helper()
	reply, err := r.ask(player, method, body)
	if err != nil {
		r.Fatalf("%s %s: %v", player, method, err)
	}
	return reply
}

// wait lets time pass, with the timers that ring meanwhile.
func (r *rig) wait(d time.Duration) {
	r.Helper()
	for end := r.now.Add(d); ; {
		at, ok := r.z.NextTimer()
		if !ok || at.After(end) {
			r.now = end
			return
		}
		if at.After(r.now) {
			r.now = at
		}
		if _, err := r.turn(actors.Message{Timer: true}); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *rig) enter(player string) *entity {
	r.Helper()
	return r.z.world.find(r.want(player, MethodEnter, &clusterv1.ZoneEnter{}).(*clusterv1.ZoneEntered).GetEntity())
}
