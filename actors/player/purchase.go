package player

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/stock"
)

// maxPending bounds the purchases under way of one player. It is what a
// connection may have in flight; more are answered OVERLOADED.
const maxPending = 64

// maxWaiters bounds the copies of one request that wait for its answer. When
// there are more, the oldest is answered OVERLOADED: its sender has most likely
// given up, since it has sent the others.
const maxWaiters = 8

// maxStocked bounds for how many products a player remembers where there was
// stock. The one bought least recently is forgotten.
const maxStocked = 8

// purchase is an order under way. All of it is volatile.
type purchase struct {
	request  uint64
	contents uint64
	sku      actors.SKU
	quantity int64
	price    int64 // of the whole order; set aside
	currency string
	slices   uint32
	at       int64
	waiters  []actors.ReplyTo
	first    [1]actors.ReplyTo // backs waiters: mostly one waits

	search
}

// search is how far a purchase has come in looking for stock.
type search struct {
	slice  uint32
	ref    actors.Ref // of slice, which is being asked; empty between two rounds
	next   int64      // when to ask again
	tried  bitmap     // slices that have said in this round that they have too little
	moving bool       // one of them said that units are on their way
	round  int
}

type bitmap [stock.MaxSlices / 64]uint64

func (b *bitmap) set(i uint32) {
	if i < stock.MaxSlices {
		b[i/64] |= 1 << (i % 64)
	}
}
func (b *bitmap) has(i uint32) bool { return b[i/64]&(1<<(i%64)) != 0 }

// stocked remembers a slice that had stock.
type stocked struct {
	sku   actors.SKU
	slice uint32
}

// under returns the purchase under way of that number, or nil.
func (p *player) under(request uint64) *purchase {
	for _, u := range p.pending {
		if u.request == request {
			return u
		}
	}
	return nil
}

// floor is the lowest number under way but for one: no order above it may give
// way, or it could not be recorded any more.
func (p *player) floor(except uint64) uint64 {
	for _, u := range p.pending {
		if u.request != except {
			return u.request
		}
	}
	return noFloor
}

// setAside sums up what purchases under way will cost.
func (p *player) setAside(currency string) (sum int64) {
	for _, u := range p.pending {
		if u.currency == currency {
			sum += u.price
		}
	}
	return sum
}

// wanted sums up the units of purchases under way.
func (p *player) wanted(sku actors.SKU) (sum int64) {
	for _, u := range p.pending {
		if u.sku == sku {
			sum += u.quantity
		}
	}
	return sum
}

// choose returns the slice to ask next: the one that had stock last, else the
// first of this node's, else the first of all, counting from one that the
// player's id picks, so that players spread over the slices.
func (p *player) choose(env *actors.Env, u *purchase, tried *bitmap) (uint32, actors.Ref, bool) {
	if u.slices == 0 {
		return 0, actors.Ref{}, false
	}
	for _, s := range p.stocked {
		if s.sku == u.sku && s.slice < u.slices && !tried.has(s.slice) {
			return s.slice, stock.Ref(u.sku, s.slice), true
		}
	}
	start := uint32(xxhash.Sum64String(string(p.id)) % uint64(u.slices))
	var slice uint32
	var ref actors.Ref
	for step := range u.slices {
		i := (start + step) % u.slices
		if tried.has(i) {
			continue
		}
		r := stock.Ref(u.sku, i)
		local := env.Local != nil && env.Local(r)
		if local || ref.ID == "" {
			slice, ref = i, r
		}
		if local || env.Local == nil {
			break
		}
	}
	return slice, ref, ref.ID != ""
}

// remember notes where there was stock.
func (p *player) remember(sku actors.SKU, slice uint32) {
	last := len(p.stocked) - 1
	if last >= 0 && p.stocked[last].sku == sku {
		p.stocked[last].slice = slice
		return
	}
	at := slices.IndexFunc(p.stocked, func(s stocked) bool { return s.sku == sku })
	if at < 0 && len(p.stocked) == maxStocked {
		at = 0
	}
	if at >= 0 {
		p.stocked = slices.Delete(p.stocked, at, at+1)
	}
	p.stocked = append(p.stocked, stocked{sku: sku, slice: slice})
}

// forget drops the memory of a slice that has run out.
func (p *player) forget(sku actors.SKU, slice uint32) {
	p.stocked = slices.DeleteFunc(p.stocked, func(s stocked) bool { return s.sku == sku && s.slice == slice })
}

// begin adds a purchase to those under way.
func (p *player) begin(u *purchase) {
	i, _ := slices.BinarySearchFunc(p.pending, u.request, func(a *purchase, r uint64) int { return cmp.Compare(a.request, r) })
	p.pending = slices.Insert(p.pending, i, u)
}

// end takes a purchase out of those under way.
func (p *player) end(u *purchase) {
	p.pending = slices.DeleteFunc(p.pending, func(a *purchase) bool { return a == u })
}
