package router

import "github.com/holdfast-game/holdfast/cluster"

// Routes says who owns what, as far as this process knows. RoutesOf makes it of
// a cluster.View.
type Routes interface {
	// Shards is the number of shards.
	Shards() int
	// Owner is who owns a shard; the zero Route for nobody.
	Owner(cluster.ShardID) cluster.Route
	// Changed is closed when the routes have changed after it was called.
	Changed() <-chan struct{}
}

// RoutesOf returns the routes of v, always the newest.
func RoutesOf(v *cluster.View) Routes { return viewRoutes{v} }

type viewRoutes struct{ *cluster.View }

func (v viewRoutes) Owner(s cluster.ShardID) cluster.Route { return v.Routes().Owner(s) }
