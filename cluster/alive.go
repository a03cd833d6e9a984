package cluster

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Alive reads from etcd, not from the snapshot, which incarnations are members
// now. Whoever is about to destroy what a dead one has left behind must ask this:
// a snapshot may be so late that it lacks a node that lives. Errors:
// ErrUnavailable.
func (v *View) Alive(ctx context.Context) (map[Incarnation]bool, error) {
	resp, err := v.client.Get(ctx, v.keys.prefix+dirNodes, clientv3.WithPrefix())
	if err != nil {
		return nil, unavailable("read nodes", err)
	}
	alive := make(map[Incarnation]bool, len(resp.Kvs))
	for _, kv := range resp.Kvs {
		var n clusterv1.Node
		if err := decode(kv.Value, &n); err != nil {
			return nil, fmt.Errorf("read %s: %w", kv.Key, err)
		}
		alive[Incarnation(n.GetIncarnation())] = true
	}
	return alive, nil
}
