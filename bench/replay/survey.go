package replay

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// survey is what must be known of a tape before it is replayed.
type survey struct {
	names    []string // of the players, in the order of their coming
	requests int64
	open     int // connections at a time, at most
	// peak is the most requests in window, which is peakWindow in the tape's time.
	window   time.Duration
	peak     int64
	shown    int64         // the most frames in a second that nobody asked for, over all who were sent them
	viewers  int           // connections in a zone at a time, at most
	answered bool          // the tape has what was sent
	length   time.Duration // from the first step to the last
	info     tape.Info
	products map[string]*clientv1.Product
	zones    map[string]*clientv1.Zone
}

// peakWindow, of a replay's time: a load that is higher for less is no peak.
const peakWindow = 100 * time.Millisecond

// shownToViewer is the frames a second for one who is in a zone: several cells, at
// the rate that zones have unless they are told otherwise.
const shownToViewer = 80

// look reads a tape through, for a replay that is so much faster.
func look(file string, speed float64) (*survey, error) {
	in, err := tape.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	s := &survey{info: in.Info(), products: make(map[string]*clientv1.Product), zones: make(map[string]*clientv1.Zone), window: time.Duration(float64(peakWindow) * speed)}
	players, open, inZone := make(map[string]bool), make(map[uint64]bool), make(map[uint64]bool)
	var first, slot time.Duration
	var slotRequests int64
	var frames perSecond
	// A tape may have its index, and be damaged all the same.
	s.info.Damage, err = eachRecord(in, func(r *tape.Record) {
		switch r.Kind {
		case tape.Opened:
			if len(players) == 0 {
				first = r.At
			}
			if !players[r.Player] {
				s.names = append(s.names, r.Player)
			}
			players[r.Player], open[r.Conn] = true, true
			s.open = max(s.open, len(open))
		case tape.Closed:
			delete(open, r.Conn)
			delete(inZone, r.Conn)
		case tape.Received:
			if !open[r.Conn] {
				return
			}
			switch s.asked(r.Frame) {
			case entersZone:
				inZone[r.Conn] = true
				s.viewers = max(s.viewers, len(inZone))
			case leavesZone:
				delete(inZone, r.Conn)
			}
			if r.At-slot >= s.window {
				slot, slotRequests = r.At, 0
			}
			slotRequests++
			s.peak = max(s.peak, slotRequests)
		case tape.Sent:
			s.answered = true
			if s.told(r.Frame) {
				s.shown = max(s.shown, frames.add(r.At, 1))
			}
			return // a late event does not make the replay longer
		case tape.Shown:
			s.answered = true
			s.shown = max(s.shown, frames.add(r.At, int64(r.Viewers)))
			return
		default:
			return
		}
		s.length = r.At - first
	})
	return s, err
}

// perSecond counts what there is in a second of the tape.
type perSecond struct {
	since time.Duration
	count int64
}

func (p *perSecond) add(at time.Duration, n int64) int64 {
	if at-p.since >= time.Second {
		p.since, p.count = at, 0
	}
	p.count += n
	return p.count
}

// asked looks for what is bought and watched, and for where players are.
func (s *survey) asked(frame []byte) kind {
	_, field, body, err := splitFrame(frame)
	if err != nil || field == fieldHello {
		return 0
	}
	s.requests++
	switch field {
	case fieldEnterZone:
		numbers(contents(body), func(num protowire.Number, _ uint64, name []byte) {
			if num == 1 {
				s.zone(string(name))
			}
		})
	case fieldIntent:
		var i clientv1.Intent
		if proto.Unmarshal(contents(body), &i) == nil && i.GetZone() != "" {
			widen(s.zone(i.GetZone()), i.GetWalk().GetTo())
		}
	case fieldBuy:
		s.product(string(readBuy(body).sku))
	case fieldWatch:
		numbers(contents(body), func(_ protowire.Number, _ uint64, sku []byte) { s.product(string(sku)) })
	}
	return kind(min(field, protowire.Number(leaving)))
}

func (s *survey) product(sku string) *clientv1.Product {
	p := s.products[sku]
	if p == nil {
		p = &clientv1.Product{Sku: sku}
		s.products[sku] = p
	}
	return p
}

// told looks for prices, which orders have, and for all that there is to be known
// of products and zones, which catalogs and zones entered have. It says whether
// nobody has asked for it.
func (s *survey) told(frame []byte) (unasked bool) {
	seq, field, body, err := splitFrame(frame)
	if err != nil {
		return false
	}
	switch field {
	case fieldEntered:
		var e clientv1.Entered
		if proto.Unmarshal(contents(body), &e) == nil && e.GetZone().GetName() != "" {
			s.zones[e.GetZone().GetName()] = e.GetZone()
		}
	case fieldBought:
		o := readOrder(body)
		if p := s.product(string(o.sku)); p.Currency == "" && o.quantity > 0 {
			p.Price, p.Currency = o.price/o.quantity, string(o.currency)
		}
	case fieldCatalog:
		var c clientv1.Catalog
		if proto.Unmarshal(contents(body), &c) != nil {
			return false
		}
		for _, p := range c.GetProducts() {
			s.products[p.GetSku()] = p
		}
	}
	return seq == 0
}

// peakRate is the requests a second of the replay, at its peak, with so many
// players for each.
func (s *survey) peakRate(scale int) float64 {
	return float64(s.peak) * float64(scale) / peakWindow.Seconds()
}

// shownRate is the frames a second of the replay that nobody asks for, at its
// peak, with so many players for each. Worlds do not tick faster when requests come
// faster. A tape that was made up does not say how much there is to see.
func (s *survey) shownRate(scale int) float64 {
	shown := float64(s.shown)
	if !s.answered {
		shown = float64(s.viewers) * shownToViewer
	}
	return shown * float64(scale)
}

// goods are the products, by name.
func (s *survey) goods() []*clientv1.Product {
	var all []*clientv1.Product
	for _, sku := range slices.Sorted(maps.Keys(s.products)) {
		if sku == "" {
			continue
		}
		p := s.products[sku]
		if p.GetCurrency() == "" {
			p.Price, p.Currency = anyPrice, anyCurrency
		}
		all = append(all, p)
	}
	return all
}
