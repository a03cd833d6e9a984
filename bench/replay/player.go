package replay

import (
	"math"
	"slices"
	"time"
)

// player takes the place of one on the tape.
type player struct {
	part *part
	copy int32 // 0 is the first that takes its place
	next int32 // step
	// shift is how much later than on the tape everything is.
	shift time.Duration

	wake  time.Duration // when it has something to do
	place int           // in the agenda; -1: not in it
	// blocked: the next step is due, and waits for an answer or a connection.
	blocked bool
	// free is when the last answer, or connection, has come that was waited for.
	free time.Duration
	// behind: a request was sent late, or an answer read late, and the requests after
	// it have waited for each other since. They might not have had to.
	behind bool

	// offset is added to the numbers of purchases, once it is known from the first
	// Welcome.
	offset   uint64
	numbered bool

	conns    []*link
	asked    []asked
	redialed int32    // the step for which a lost connection was opened again, + 1
	bought   []uint64 // requests that were acknowledged
}

// asked is a request that waits for its answer.
type asked struct {
	seq  uint64
	link *link
	step int32
	due  time.Duration // what its latency counts from
	sent time.Duration
}

// state is that of a link.
type state uint8

const (
	down state = iota // not opened yet, or lost
	dialing
	up
	closed // for good
)

// link is a connection of a player.
type link struct {
	player *player
	conn   int32
	state  state
	again  bool // it was lost, and is opened once more
	seq    uint64
	socket
	unframer
}

// waits says whether a step must wait for an answer. Whoever leaves has heard all.
func (p *player) waits(number int32) bool {
	leaves := p.part.steps[number].kind == leaving
	for i := range p.asked {
		if leaves || p.part.steps[p.asked[i].step].release <= number {
			return true
		}
	}
	return false
}

// oldest is when the request was sent that has waited longest.
func (p *player) oldest() time.Duration {
	oldest := time.Duration(math.MaxInt64)
	for i := range p.asked {
		oldest = min(oldest, p.asked[i].sent)
	}
	return oldest
}

// answered takes the request out that has this number on a connection.
func (p *player) answered(l *link, seq uint64) (a asked, ok bool) {
	for i := range p.asked {
		if p.asked[i].seq == seq && p.asked[i].link == l {
			a = p.asked[i]
			p.asked = slices.Delete(p.asked, i, i+1)
			return a, true
		}
	}
	return a, false
}

// greet takes the number that the player's next purchase should have.
func (p *player) greet(next uint64) {
	if !p.numbered && p.part.next > 0 {
		p.offset, p.numbered = next-p.part.next, true
	}
}

// acknowledge is false when the purchase was acknowledged before.
func (p *player) acknowledge(request uint64) bool {
	i, known := slices.BinarySearch(p.bought, request)
	if !known {
		p.bought = slices.Insert(p.bought, i, request)
	}
	return !known
}
