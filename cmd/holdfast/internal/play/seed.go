package play

import (
	"context"

	"connectrpc.com/connect"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// What the page finds in a cluster that has nothing yet. Operators may change all
// of it; what is there already is not made again.
const (
	ZoneName = "plaza"
	SKU      = "lantern"
	// Stock is what the product is created with.
	Stock = 500

	currency = "gold"
	price    = 5
	// purse is what a new player gets, once.
	purse   = 100
	purseID = "play"
)

// Zone is where the page's players walk: small enough to find each other, and in
// one piece, so that all see all.
func Zone() *clusterv1.ZoneSpec {
	return &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{Name: ZoneName, Width: 60, Height: 40, Hz: 20, MaxSpeed: 6, MaxPlayers: 200},
		Bots: 20,
		Mood: clusterv1.BotMood_BOT_MOOD_WANDER,
	}
}

// Product is what the page's flash sale sells.
func Product() *clusterv1.Product {
	return &clusterv1.Product{Sku: SKU, Title: "Lantern", Price: price, Currency: currency}
}

// Granter is the part of the AdminService that gives players money.
type Granter interface {
	Grant(context.Context, *connect.Request[adminv1.GrantRequest]) (*connect.Response[adminv1.GrantResponse], error)
}

// Purse returns a Greet that gives each new player enough for some of the product.
func Purse(operator Granter) func(ctx context.Context, player string) error {
	return func(ctx context.Context, player string) error {
		_, err := operator.Grant(ctx, connect.NewRequest(&adminv1.GrantRequest{
			Player: player, Id: purseID, Currency: currency, Amount: purse,
		}))
		return err
	}
}
