package shard

import (
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// show lets an actor show what it has become. What is shown is a read under the
// lease: a node that was asleep past it shows nothing that is no longer so.
func (h *hosted) show(a *resident) {
	if h.inc.leased() {
		a.caster.Cast(h.cast)
	}
}

// part lets the actors that have something to lose journal it, because the shard
// is about to leave this node.
func (h *hosted) part(now time.Time) {
	for _, a := range h.people.live.Values() {
		p, ok := a.behaviour.(actors.Parter)
		if !ok || h.frozen || !p.Parts() {
			continue
		}
		h.message = actors.Message{Self: a.ref, Parting: true}
		h.turn(a, now)
	}
}
