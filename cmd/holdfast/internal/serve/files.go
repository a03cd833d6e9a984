package serve

import "github.com/holdfast-game/holdfast/gateway"

// ownFiles are the open files that a node needs besides its clients': those of
// etcd and NATS within it, which do not get over it when they may open no more,
// and the connections to other nodes.
const ownFiles = 2048

// fitFiles has a gateway take no more clients than a process has room for that may
// have most files open, the node's own not counted, and says whether that is
// fewer than it would.
func fitFiles(g *gateway.Config, most uint64) (fewer bool) {
	room := most - min(ownFiles, most/2) // a process that may have very few shares them out
	g.MaxHandshakes = max(1, int(min(uint64(g.MaxHandshakes), room/4)))
	clients := max(1, int(min(uint64(g.MaxConnections), room-uint64(g.MaxHandshakes))))
	fewer = clients < g.MaxConnections
	g.MaxConnections = clients
	return fewer
}
