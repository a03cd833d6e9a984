package sim

import (
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// poison is a product at which a player's Apply panics, as a kind with a mistake
// in it would: what panicked must not be in the log, or the shard could never be
// loaded again.
const poison = "poison"

// poisoned is what it panics with.
type poisoned struct{}

// poisonous is a kind of players that cannot stand poison.
func poisonous(kind actors.Kind) actors.Kind {
	sound := kind.New
	kind.New = func(id string) actors.Behaviour { return &sensitive{whole: sound(id).(whole)} }
	return kind
}

// whole is a behaviour with everything that a player has.
type whole interface {
	actors.Behaviour
	actors.Volatile
	actors.Timed
}

type sensitive struct{ whole }

func (s *sensitive) Apply(event proto.Message) error {
	if event.(*journalv1.PlayerEvent).GetDeclined().GetSku() == poison {
		panic(poisoned{})
	}
	return s.whole.Apply(event)
}
