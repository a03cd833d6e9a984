package serve

import (
	"net"
	"net/netip"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/group"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	"github.com/holdfast-game/holdfast/actors/zone"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// registry holds the kinds of actors that this program hosts: the built-in ones,
// and those that its main has added.
func registry(cfg *config.Config, view *cluster.View, meter zone.Meter, added []actors.Kind) (*actors.Registry, error) {
	goods := products{view}
	players := player.Config{Catalog: goods, Start: cfg.StartBalance}
	if err := players.Validate(); err != nil {
		return nil, err
	}
	slices := stock.Config{Catalog: goods}
	if err := slices.Validate(); err != nil {
		return nil, err
	}
	own := []actors.Kind{player.Kind(players), stock.Kind(slices), zone.Kind(zone.Config{Meter: meter}), group.Kind()}
	return actors.NewRegistry(append(own, added...)...)
}

// products is the catalog as actors see it.
type products struct{ view *cluster.View }

func (p products) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	return p.view.Catalog().Product(string(sku))
}

// world is the zones as gateways see them.
type world struct{ view *cluster.View }

func (w world) Zones() []*clientv1.Zone { return w.view.Zones().Shown() }

func (w world) Owner(kind, id string) string {
	routes := w.view.Routes()
	return string(routes.Owner(cluster.ActorID{Kind: kind, ID: id}.Shard(routes.Len())).Node)
}

// gatewayConfig is the gateway's part of the settings.
func gatewayConfig(cfg *config.Config) gateway.Config {
	g := gateway.DefaultConfig()
	g.Origins = cfg.Origins
	g.RequestsPerSecond, g.Burst = cfg.RateLimit, cfg.RateBurst
	return g
}

// advertised is the address at which other nodes reach a listener, or "": a
// wildcard names no host, and loopback only reaches nodes on the same machine.
func advertised(listener net.Addr, cfg *config.Config) string {
	addr, err := netip.ParseAddrPort(listener.String())
	if err != nil || addr.Addr().IsUnspecified() {
		return ""
	}
	if peer, err := netip.ParseAddrPort(cfg.Peer); addr.Addr().IsLoopback() && (err != nil || !peer.Addr().IsLoopback()) {
		return ""
	}
	return addr.String()
}
