package chat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// MaxShown bounds how many people one message names.
const MaxShown = 200

// Person is somebody who is in a channel.
type Person struct {
	Player actors.PlayerID
	Entity uint32 // in a zone
	At     int64  // when they came, in Unix nanoseconds
}

// Show shows a person as clients see them.
func (p Person) Show() *clientv1.Person {
	return &clientv1.Person{Player: string(p.Player), Entity: p.Entity}
}

// People are who is in a channel, by player. The zero value is nobody.
type People []Person

func (p People) index(player actors.PlayerID) (int, bool) {
	return slices.BinarySearchFunc(p, player, func(a Person, id actors.PlayerID) int { return cmp.Compare(a.Player, id) })
}

// Find returns a person.
func (p People) Find(player actors.PlayerID) (Person, bool) {
	if at, ok := p.index(player); ok {
		return p[at], true
	}
	return Person{}, false
}

// Join adds a person who is not there.
func (p *People) Join(who Person) error {
	at, there := p.index(who.Player)
	if there || who.Player == "" {
		return fmt.Errorf("%q joins: is there already, or nobody", who.Player)
	}
	*p = slices.Insert(*p, at, who)
	return nil
}

// Leave takes out a person who is there.
func (p *People) Leave(player actors.PlayerID) (Person, error) {
	at, there := p.index(player)
	if !there {
		return Person{}, fmt.Errorf("%q leaves: is not there", player)
	}
	who := (*p)[at]
	*p = slices.Delete(*p, at, at+1)
	return who, nil
}

// Present shows who is there, not all of them if there are many.
func (p People) Present(ref actors.Ref) *clientv1.Present {
	present := &clientv1.Present{Channel: Name(ref), Total: uint32(len(p))}
	for _, who := range p[:min(len(p), MaxShown)] {
		present.People = append(present.People, who.Show())
	}
	return present
}

// Snapshot returns the people as they are journaled.
func (p People) Snapshot() []*journalv1.ChatMember {
	if len(p) == 0 {
		return nil
	}
	members := make([]journalv1.ChatMember, len(p))
	out := make([]*journalv1.ChatMember, len(p))
	for i, who := range p {
		out[i] = &members[i]
		out[i].Player, out[i].Entity, out[i].At = string(who.Player), who.Entity, who.At
	}
	return out
}

// Restore replaces the people.
func (p *People) Restore(from []*journalv1.ChatMember) error {
	*p = make(People, 0, len(from))
	for _, m := range from {
		if err := p.Join(Person{Player: actors.PlayerID(m.GetPlayer()), Entity: m.GetEntity(), At: m.GetAt()}); err != nil {
			return fmt.Errorf("restore people: %w", err)
		}
	}
	return nil
}
