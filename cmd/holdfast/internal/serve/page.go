package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/play"
	"github.com/holdfast-game/holdfast/gateway/auth"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// pageTokens is how long a token from the page is good for. The page asks for
// another one when it connects again.
const pageTokens = time.Hour

// pages is the page to play on; nil when there is to be none.
func (n *node) pages() http.Handler {
	if !n.cfg.Play {
		return nil
	}
	cfg := play.Config{Logger: n.logger, Greet: play.Purse(n.adminService)}
	if secret := n.keys.secret; secret != nil {
		cfg.Mint = func(player string) (string, error) {
			return auth.Mint(secret, auth.Grant{
				Player: player, Expires: time.Now().Add(pageTokens), Issuer: n.cfg.AuthIssuer, Audience: n.cfg.AuthAudience,
			})
		}
	}
	return play.Handler(cfg)
}

// furnish makes what the page is about, where the cluster has nothing of that
// name.
func (n *node) furnish(ctx context.Context) {
	if !n.cfg.Play || n.clients == nil {
		return
	}
	n.offer(ctx, []product{{Product: play.Product(), stock: play.Stock}})
	n.openZones(ctx, []*clusterv1.ZoneSpec{play.Zone()})
}
