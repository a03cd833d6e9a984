package gateway

import (
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

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

// What a list of zones holds at most; a client that wants more asks by prefix.
const (
	maxZonesListed  = 500
	maxZonesInReply = 64 << 10 // bytes
)

// listZones returns the zones whose name begins with prefix, as many as fit.
func listZones(zones []*clientv1.Zone, prefix string) *clientv1.Zones {
	from := sort.Search(len(zones), func(i int) bool { return zones[i].GetName() >= prefix })
	m, bytes := new(clientv1.Zones), 0
	for _, z := range zones[from:] {
		if !strings.HasPrefix(z.GetName(), prefix) {
			break
		}
		bytes += proto.Size(z)
		if len(m.Zones) == maxZonesListed || bytes > maxZonesInReply {
			m.Truncated = true
			break
		}
		m.Zones = append(m.Zones, z)
	}
	return m
}

// findZone returns where in zones the one of that name is.
func findZone(zones []*clientv1.Zone, name string) (i int, found bool) {
	return sort.Find(len(zones), func(i int) int { return strings.Compare(name, zones[i].GetName()) })
}
