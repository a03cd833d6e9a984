package serve

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// wireAdmin makes the part that answers operators.
func (n *node) wireAdmin(metrics prometheus.Gatherer) (err error) {
	view, js := n.backends.view, n.backends.js
	n.adminService, err = admin.NewService(admin.Deps{
		Router: n.router, View: view, Trail: noTrail{}, Letters: shard.NewLetterbox(js, view.ClusterID()),
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

type noTrail struct{}

func (noTrail) Owners(context.Context, cluster.ShardID, int) ([]*clusterv1.OwnerRecord, error) {
	return nil, nil
}
func (noTrail) At(context.Context, cluster.ShardID, time.Time) (*clusterv1.OwnerRecord, error) {
	return nil, nil
}
func (noTrail) Moves(context.Context, int) ([]*clusterv1.MoveReceipt, error) { return nil, nil }
