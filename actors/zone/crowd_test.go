package zone

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// client is a player.
type client struct {
	*crowd
	name   actors.PlayerID
	idle   bool
	entity uint32 // as last answered; 0: not there, or not sure
	leaves time.Time
	next   uint64 // number of the last line
	said   map[uint64]*line
	sulks  time.Time // until then nothing is heard of the player
}

// line is one that a player has said, or tries to.
type line struct {
	text string
	id   uint64 // 0 until answered
}

func (p *client) call(method string, body proto.Message, done func(proto.Message, *actors.Refusal)) {
	p.w.Call(actorstest.Call{To: Ref("yard"), Method: method, Caller: actors.Caller{Player: p.name}, Body: body, Done: done})
}

// act does something now, and something else later.
func (p *client) act() {
	if p.idle {
		return
	}
	r := p.w.Rand()
	p.w.After(time.Duration(r.Int64N(int64(400*time.Millisecond))), p.act)
	if p.w.Now().Before(p.sulks) {
		return
	}
	switch n := r.IntN(100); {
	case n < 10:
		p.enter()
	case n < 11:
		p.entity, p.leaves = 0, p.w.Now()
		p.call(MethodLeave, &clusterv1.ZoneLeave{}, nil)
	case n < 20:
		p.say()
	case n < 23:
		p.call(MethodReadChat, &clientv1.ReadChat{}, p.read)
	case n < 24 && p.entity != 0:
		p.sulks = p.w.Now().Add(40 * time.Second)
	case n < 40:
		p.call(MethodStay, &clusterv1.ZoneStay{}, nil)
	default:
		p.intend()
	}
}

// enter: who is there has the same entity whenever they ask.
func (p *client) enter() {
	known := p.entity
	p.call(MethodEnter, &clusterv1.ZoneEnter{}, func(reply proto.Message, refusal *actors.Refusal) {
		if refusal != nil {
			if known != 0 && p.entity == known {
				p.fail("%s is there and may not enter: %v", p.name, refusal)
			}
			return
		}
		p.seen["entered"]++
		got := reply.(*clusterv1.ZoneEntered).GetEntity()
		if known != 0 && p.entity == known && got != known {
			p.fail("%s enters as %d, was %d", p.name, got, known)
		}
		// Only if it is still so, and no copy of a Leave is under way: what is carried
		// overtakes what was carried before.
		if who, ok := p.zone.people.Find(p.name); ok && who.Entity == got && p.w.Now().Sub(p.leaves) > time.Second {
			p.entity = got
		}
	})
}

// left: the zone has let a silent player go.
func (c *crowd) left(name actors.PlayerID) {
	c.seen["silent"]++
	if ago := c.w.Now().Sub(c.heard[name]); ago < silence {
		c.fail("%s left for silence, and was heard %s ago", name, ago)
	}
	for _, p := range c.clients {
		if p.name == name {
			p.entity = 0
		}
	}
}

func (p *client) intend() {
	r := p.w.Rand()
	number := func() float64 {
		switch r.IntN(20) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1)
		case 2:
			return 1e300 * (r.Float64() - 0.5)
		case 3:
			return 100 * (r.Float64() - 0.5)
		}
		return 12 * (r.Float64() - 0.5)
	}
	intent := &clientv1.Intent{Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: number(), Vy: number()}}}
	switch r.IntN(4) {
	case 0:
		intent.Action = &clientv1.Intent_Walk{Walk: &clientv1.Walk{To: &clientv1.Point{X: 10 + number(), Y: 10 + number()}}}
	case 1:
		intent.Action = &clientv1.Intent_Strike{Strike: &clientv1.Strike{Entity: 1 + r.Uint32N(9)}}
	case 2:
		intent.Action = &clientv1.Intent_Strike{Strike: &clientv1.Strike{Entity: firstBot + r.Uint32N(8)}}
	}
	p.call(MethodIntend, intent, nil)
}

// say says something new, or something old again: it gets the number that it got
// before.
func (p *client) say() {
	number := p.next
	if l := p.said[number]; l == nil || l.id != 0 || p.w.Rand().IntN(5) == 0 {
		number++
	}
	if p.w.Rand().IntN(4) == 0 && number > 3 {
		number -= 2
	}
	p.next = max(p.next, number)
	l := p.said[number]
	if l == nil {
		l = &line{text: fmt.Sprintf("%s says %d", p.name, number)}
		p.said[number] = l
	}
	p.call(MethodSay, &clientv1.Say{Request: number, Text: l.text}, func(reply proto.Message, refusal *actors.Refusal) {
		if refusal != nil {
			if refusal.Code == clientv1.Code_CODE_INVALID_ARGUMENT {
				p.fail("%s says %q: %v", p.name, l.text, refusal)
			}
			return
		}
		p.seen["said"]++
		id := reply.(*clientv1.Said).GetId()
		if l.id != 0 && l.id != id {
			p.fail("%q has number %d, and had %d", l.text, id, l.id)
		}
		l.id = id
	})
}

// read: lines have no gaps, and those that were answered for are as they were
// said.
func (p *client) read(reply proto.Message, refusal *actors.Refusal) {
	if refusal != nil {
		p.seen["unread"]++
		return
	}
	lines := reply.(*clientv1.ChatHistory).GetLines()
	texts := make(map[string]bool)
	for i, l := range lines {
		if i > 0 && l.GetId() != lines[i-1].GetId()+1 {
			p.fail("line %d after %d", l.GetId(), lines[i-1].GetId())
		}
		if texts[l.GetText()] {
			p.fail("%q was said twice", l.GetText())
		}
		texts[l.GetText()] = true
		for _, other := range p.clients {
			for _, said := range other.said {
				if said.id == l.GetId() && said.text != l.GetText() {
					p.fail("line %d is %q, and was %q", l.GetId(), l.GetText(), said.text)
				}
			}
		}
	}
}

// resumed: everybody is where they were parked, or as far from it as they may
// have walked meanwhile.
func (c *crowd) resumed(w *world, p *journalv1.ZoneParked) {
	for _, was := range p.GetEntities() {
		e := w.find(was.GetId())
		if e == nil || was.GetDeadMs() > 0 || e.hp == 0 {
			continue
		}
		c.seen["resumed"]++
		if far := math.Hypot(e.x-was.GetX(), e.y-was.GetY()); far > w.speed*caughtUp.Seconds()+1e-9 {
			c.fail("entity %d was parked at %g %g, and is at %g %g", e.id, was.GetX(), was.GetY(), e.x, e.y)
		}
	}
}

// gateway follows all cells of the zone, over a network that loses frames and
// mixes them up.
type gateway struct {
	*crowd
	feeds  map[string]*feed
	truth  map[frameID]*delta.Table // of keyframes
	deltas map[string]*delta.Table  // of the others, by topic and frame

	perfect map[string]*delta.Decoder // without a network between
	shown   map[string]time.Time
}

type feed struct {
	decoder *delta.Decoder
	cell    uint32
	asked   time.Time // for a keyframe; zero: needs none
}

// frameID tells the frames of a topic apart.
type frameID struct {
	topic      string
	epoch, seq uint64
	start      int64
}

func newGateway(c *crowd) *gateway {
	return &gateway{crowd: c, feeds: make(map[string]*feed), truth: make(map[frameID]*delta.Table), deltas: make(map[string]*delta.Table), perfect: make(map[string]*delta.Decoder), shown: make(map[string]time.Time)}
}

func id(topic string, h delta.Header) frameID {
	return frameID{topic, h.Epoch, h.Seq, h.Start.UnixMilli()}
}

// watch follows all frames without a loss: then there is no error, ever.
func (g *gateway) watch(frames [][2]string) {
	for _, f := range frames {
		d := g.perfect[f[0]]
		if d == nil {
			d = delta.NewDecoder(delta.World)
			g.perfect[f[0]] = d
		}
		if err := d.Decode([]byte(f[1])); err != nil {
			g.fail("%s: a frame that follows the one before: %v", f[0], err)
		}
		g.shown[f[0]] = g.w.Now()
	}
}

// compare: after a tick, the latest frame of each cell tells what there is, and
// is at most a second old.
func (g *gateway) compare(w *world) {
	for _, c := range w.open {
		if d := g.perfect[c.topic]; d == nil || !cellTable(w, c).Equal(d.Table()) {
			g.fail("%s: what there is differs from what was shown", c.topic)
		}
		if ago, most := g.w.Now().Sub(g.shown[c.topic]), time.Second+maxSteps*time.Duration(w.time(1)-w.time(0)); ago > most {
			g.fail("%s: was not shown for %s", c.topic, ago)
		}
	}
}

// cellTable is what there is in a cell.
func cellTable(w *world, c *cell) *delta.Table {
	t := delta.NewTable(delta.World)
	for _, e := range w.entities {
		if e.cell == c.number {
			t.Append(e.id, e.shown[:]...)
		}
	}
	return t
}

// expect notes what the latest frame of each cell tells. Frames of two streams
// can look alike, and are taken for each other then, which is no harm if they
// tell the same.
func (g *gateway) expect(w *world, frames [][2]string) {
	for _, c := range w.open {
		if c.stream == nil {
			continue
		}
		key := id(c.topic, c.stream.encoder.Header())
		if g.truth[key] != nil {
			continue
		}
		t := cellTable(w, c)
		g.truth[key] = t
		for _, f := range frames {
			if f[0] == c.topic {
				g.deltas[f[0]+f[1]] = t
			}
		}
	}
}

// carry brings a frame, or does not, sooner or later.
func (g *gateway) carry(topic string, frame []byte) {
	switch r := g.w.Rand(); {
	case g.calm:
		g.take(topic, frame)
	case r.IntN(50) == 0:
	case r.IntN(50) == 0:
		g.w.After(time.Duration(r.Int64N(int64(100*time.Millisecond))), func() { g.take(topic, frame) })
	default:
		g.take(topic, frame)
	}
}

// take decodes a frame, and asks for a keyframe when it cannot be followed.
func (g *gateway) take(topic string, frame []byte) {
	f := g.feeds[topic]
	if f == nil {
		number, err := strconv.ParseUint(topic[strings.LastIndexByte(topic, '.')+1:], 10, 32)
		if err != nil {
			g.fail("topic %q: %v", topic, err)
		}
		f = &feed{decoder: delta.NewDecoder(delta.World), cell: uint32(number)}
		g.feeds[topic] = f
	}
	err := f.decoder.Decode(frame)
	switch {
	case err == nil:
		g.seen["frame"]++
		f.asked = time.Time{}
		want := g.deltas[topic+string(frame)]
		if f.decoder.Header().Key {
			want = g.truth[id(topic, f.decoder.Header())]
		}
		if want == nil || !want.Equal(f.decoder.Table()) {
			g.fail("%s: frame %+v shows %s, not %s", topic, f.decoder.Header(), rows(f.decoder.Table()), rows(want))
		}
	case errors.Is(err, delta.ErrVersion):
		g.fail("%s: %v", topic, err)
	case errors.Is(err, delta.ErrStale):
	case f.asked.IsZero():
		g.seen["gap"]++
		g.ask(topic, f)
	}
}

// ask asks for a keyframe until there is one.
func (g *gateway) ask(topic string, f *feed) {
	f.asked = g.w.Now()
	asked := f.asked
	g.w.Call(actorstest.Call{
		To: Ref("yard"), Method: MethodKey, Caller: actors.Caller{Player: "gateway"}, Body: &clusterv1.ZoneKey{Cell: f.cell},
		Done: func(reply proto.Message, refusal *actors.Refusal) {
			if refusal != nil {
				delete(g.feeds, topic) // no such cell any more
				return
			}
			g.seen["key"]++
			if k := reply.(*clusterv1.ZoneKeyframe).GetFrame(); !slices.Equal(k, nil) {
				g.take(topic, k)
			}
		},
	})
	g.w.After(time.Second, func() {
		if f.asked.Equal(asked) && g.feeds[topic] == f {
			g.ask(topic, f)
		}
	})
}

// waiting is how many feeds need a keyframe.
func (g *gateway) waiting() (n int) {
	for _, f := range g.feeds {
		if !f.asked.IsZero() {
			n++
		}
	}
	return n
}

func rows(t *delta.Table) string {
	if t == nil {
		return "nothing known"
	}
	out := ""
	for i := range t.Len() {
		out += fmt.Sprint(t.ID(i), t.Row(i), " ")
	}
	return "[" + out + "]"
}
