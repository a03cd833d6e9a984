package actors

import (
	"fmt"
	"regexp"
	"sort"

	"google.golang.org/protobuf/proto"
)

// Kind describes one kind of actor to the host.
type Kind struct {
	// Name is the first half of every Ref, part of every journal record and of
	// the hash that places an actor in a shard: it can never change.
	Name string

	// New returns an actor that has seen no event.
	New func(id string) Behaviour

	// Event and State return an empty event and an empty snapshot to decode
	// into. A kind has one message type for each, usually with a oneof inside.
	Event func() proto.Message
	State func() proto.Message

	// Methods are what clients and operators may call, by name.
	Methods map[string]Method
}

// Method is one thing that clients or operators may ask of a kind.
type Method struct {
	// Request returns an empty request to decode into.
	Request func() proto.Message
	Allow   Rule
}

// Rule says who may call a method on an actor.
type Rule func(c Caller, to Ref) bool

// Anyone lets every authenticated player, and operators.
func Anyone(Caller, Ref) bool { return true }

// Self lets the player whose id the actor's id is.
func Self(c Caller, to Ref) bool { return c.Player != "" && string(c.Player) == to.ID }

// Admin lets operators only.
func Admin(c Caller, _ Ref) bool { return c.Admin }

// Registry is the set of kinds that a node can host. It is built in main and
// not changed afterwards.
type Registry struct {
	kinds map[string]Kind
}

// validName keeps names printable, short and free of the separators used in
// refs, journal records and subjects.
var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// NewRegistry returns a registry of the given kinds, or an error that names the
// kind that cannot be hosted and says why.
func NewRegistry(kinds ...Kind) (*Registry, error) {
	r := &Registry{kinds: make(map[string]Kind, len(kinds))}
	for _, k := range kinds {
		if err := k.validate(); err != nil {
			return nil, fmt.Errorf("register kind %q: %w", k.Name, err)
		}
		if _, dup := r.kinds[k.Name]; dup {
			return nil, fmt.Errorf("register kind %q: registered twice", k.Name)
		}
		r.kinds[k.Name] = k
	}
	return r, nil
}

func (k Kind) validate() error {
	switch {
	case !validName.MatchString(k.Name):
		return fmt.Errorf("name must match %s", validName)
	case k.New == nil, k.Event == nil, k.State == nil:
		return fmt.Errorf("fields New, Event and State must be set")
	}
	for name, m := range k.Methods {
		if m.Request == nil || m.Allow == nil {
			return fmt.Errorf("method %q: Request and Allow must be set", name)
		}
	}
	return nil
}

// Kind returns the kind of that name.
func (r *Registry) Kind(name string) (Kind, bool) {
	k, ok := r.kinds[name]
	return k, ok
}

// Names returns the names of all kinds, sorted.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.kinds))
	for n := range r.kinds {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
