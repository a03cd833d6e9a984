package cluster

import (
	"log/slog"
	"slices"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Routes says who owns each shard, as of one revision. It is immutable.
type Routes struct {
	rev    int64
	routes []Route
	next   chan struct{}
}

// Owner returns the route to a shard, the zero Route when nobody owns it.
func (r *Routes) Owner(s ShardID) Route {
	if int(s) >= len(r.routes) {
		return Route{}
	}
	return r.routes[s]
}

// Version grows with every change: the revision of etcd that made it.
func (r *Routes) Version() int64 { return r.rev }

// Len is the number of shards.
func (r *Routes) Len() int { return len(r.routes) }

func (r *Routes) apply(rev int64, cs []change, log *slog.Logger) *Routes {
	next := &Routes{rev: rev, routes: slices.Clone(r.routes), next: make(chan struct{})}
	for _, c := range cs {
		s, ok := parseShard(c.name, len(next.routes))
		if !ok {
			continue
		}
		next.routes[s] = Route{}
		if c.deleted {
			continue
		}
		var o clusterv1.Owner
		if err := decode(c.value, &o); err != nil {
			skip(log, dirOwners, c, err)
			continue
		}
		next.routes[s] = routeOf(&o)
	}
	return next
}

func routeOf(o *clusterv1.Owner) Route {
	return Route{
		Node:        NodeName(o.GetNode()),
		Incarnation: Incarnation(o.GetIncarnation()),
		Address:     Address(o.GetAddress()),
		Epoch:       Epoch(o.GetEpoch()),
	}
}
