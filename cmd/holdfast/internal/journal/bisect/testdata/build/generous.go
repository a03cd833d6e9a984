//go:build plant_generous

package main

import (
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

const version = "generous"

// Apply is a planted bug: whoever buys three or more of a thing pays one less.
func (b built) Apply(event proto.Message) error {
	if e := event.(*journalv1.PlayerEvent); e.GetCompleted().GetQuantity() >= 3 {
		e = proto.CloneOf(e)
		e.GetCompleted().Price--
		event = e
	}
	return b.Behaviour.Apply(event)
}
