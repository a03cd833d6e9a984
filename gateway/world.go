package gateway

import clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"

// World is what the cluster knows of its zones without asking them.
type World interface {
	// Zones returns the zones there are, sorted by name. The caller does not
	// change them.
	Zones() []*clientv1.Zone
	// Owner is the node that runs an actor, "" when nobody does.
	Owner(kind, id string) (node string)
}

// noWorld knows of nothing.
type noWorld struct{}

func (noWorld) Zones() []*clientv1.Zone { return nil }

func (noWorld) Owner(string, string) string { return "" }
