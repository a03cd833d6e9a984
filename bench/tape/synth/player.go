package synth

import (
	"fmt"
	"maps"
	"slices"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// crowd is a Crowd with what its players have in common.
type crowd struct {
	*Crowd
	spec    *Spec
	zone    *Zone
	popular popularity
	does    []action // of Then
	often   popularity
}

func newCrowd(s *Spec, c *Crowd, popular popularity) *crowd {
	out := &crowd{Crowd: c, spec: s, zone: s.zone(c.Zone), popular: popular}
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(c.Then)) {
		if c.Then[name] == 0 {
			continue
		}
		sum += c.Then[name]
		out.does, out.often = append(out.does, actions[name]), append(out.often, sum)
	}
	return out
}

func (c *crowd) sku(product int) string { return fmt.Sprintf("%s%d", c.spec.Products.Prefix, product) }

const (
	// helloAfter: the first frame follows the connection so soon, and the first
	// actions each other.
	helloAfter = 5 * time.Millisecond
	firstAfter = 100 * time.Millisecond
)

// player is one, with what it is going to do next.
type player struct {
	crowd  *crowd
	conn   uint64
	name   string
	chance chance

	at       time.Duration // of what comes next
	step     int           // 0: connects, 1: says Hello, then the zone and the first actions, and then the rest
	leave    time.Duration
	nextThen time.Duration
	nextSale time.Duration // never, when there is none or it is over
	tries    int

	seq, request, line uint64
}

const never = time.Duration(1<<63 - 1)

func newPlayer(c *crowd, conn uint64, number int) *player {
	p := &player{crowd: c, conn: conn, name: fmt.Sprintf("%s-%d", c.Name, number), leave: never, nextThen: never, nextSale: never}
	p.chance.seed(c.spec.Seed, conn)
	p.at = p.chance.arrival(c.Arrive)
	if c.Stay.Median > 0 {
		p.leave = p.at + p.chance.span(c.Stay)
	}
	if c.Sale == nil {
		return p
	}
	// They have come for the sale: nobody leaves before it.
	p.nextSale = max(c.Sale.At, p.at) + p.chance.span(c.Sale.Reaction)
	p.leave = max(p.leave, p.nextSale)
	return p
}

// trySale counts one purchase of the sale.
func (p *player) trySale() {
	if p.tries++; p.tries == p.crowd.Sale.Tries {
		p.nextSale = never
		return
	}
	p.nextSale += p.chance.span(p.crowd.Sale.Again)
	p.leave = max(p.leave, p.nextSale)
}

// next returns what the player does at p.at, nil for connecting, and has p.at be
// the time of what comes after that. False: it leaves.
func (p *player) next() (f *clientv1.ClientFrame, stays bool) {
	c := p.crowd
	first := p.step - 2
	if c.Zone != "" {
		first--
	}
	p.step++
	switch {
	case p.step == 1:
		p.at += helloAfter
		return nil, true
	case p.step == 2:
		f = &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "x", Client: "synth/" + c.spec.Name}}}
	case first < 0:
		f = &clientv1.ClientFrame{Body: &clientv1.ClientFrame_EnterZone{EnterZone: &clientv1.EnterZone{Zone: c.Zone}}}
	case first < len(c.First):
		f = actions[c.First[first]].do(p)
	case p.at >= p.nextSale:
		f = p.buy(c.Sale.Product)
		p.trySale()
	case p.at >= p.leave:
		return nil, false
	default:
		f = c.does[c.often.pick(&p.chance)-1].do(p)
		p.nextThen = p.at + p.chance.span(c.Think)
	}
	p.seq++
	f.Seq = p.seq
	p.plan(first)
	return f, true
}

// plan finds when the next thing is done. first is the number of the first action
// that was done, if it was one.
func (p *player) plan(first int) {
	if first+1 < len(p.crowd.First) {
		p.at += firstAfter
		return
	}
	if p.nextThen == never && len(p.crowd.does) > 0 {
		p.nextThen = p.at + p.chance.span(p.crowd.Think)
	}
	next := min(p.nextThen, p.nextSale)
	if next > p.leave {
		next = p.leave
	}
	p.at = max(p.at, next)
}
