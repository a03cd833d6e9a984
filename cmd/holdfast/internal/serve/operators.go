package serve

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
	"github.com/holdfast-game/holdfast/shard"
)

// wireAdmin makes the part that answers operators.
func (n *node) wireAdmin(metrics prometheus.Gatherer) (err error) {
	view, js := n.backends.view, n.backends.js
	n.adminService, err = admin.NewService(admin.Deps{
		Router: n.router, View: view, Trail: n.trail, Letters: shard.NewLetterbox(js, view.ClusterID()), Tapes: n.tapes,
		Log: func(ctx context.Context, inc cluster.Incarnation) (shard.LogSize, error) {
			return shard.MeasureLog(ctx, js, view.ClusterID(), inc)
		},
	})
	if err != nil {
		return err
	}
	n.admin, err = admin.New(admin.Config{
		Token: n.keys.adminToken, Ready: n.ready, Metrics: metrics, Logger: n.logger,
	}, n.adminService)
	return err
}
