package cluster

import "time"

// OpenViewPaged is OpenView with pages of another size.
var OpenViewPaged = openView

// ModelMember is a member whose etcd is a model: it has transactions and
// nothing that runs by itself.
func ModelMember(client *Client, shards int, name NodeName, id LeaseID) *Member {
	started := readClocks()
	return Simulate(SimulatedConfig{
		JoinConfig: JoinConfig{Name: name, Address: Address(name)}, TTL: time.Hour,
		Client: client, Shards: shards, Lease: id,
		Sent:   Instant{Mono: started.mono, Wall: started.wall},
		Clocks: func() Instant { t := readClocks(); return Instant{Mono: t.mono, Wall: t.wall} },
	}).Member
}
