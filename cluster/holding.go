package cluster

import (
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Holding is one ownership of one shard, from Acquire to Release. Whether it
// still stands is only known to etcd; every transaction on it finds out.
type Holding struct {
	Shard ShardID
	Epoch Epoch
	// Record is the shard's record as Acquire left it: what to load from. It
	// does not change, and must not be changed.
	Record *clusterv1.Shard

	mu sync.Mutex
	// ownerRev is the mod-revision that Acquire gave /owners/s. No other write
	// can have given it, so that comparing it compares owner and epoch.
	ownerRev int64
	// record and shardRev are /shards/s as last written or read by a
	// transaction on this holding.
	record   *clusterv1.Shard
	shardRev int64
	// serving: Serve is known to have taken effect.
	serving bool
}

// guard makes a Txn on h that writes next, and then does more.
func (h *Holding) guard(k keys, next *clusterv1.Shard, more ...clientv3.Op) guard {
	owner, shard := k.owner(h.Shard), k.shard(h.Shard)
	return guard{
		ifs: []clientv3.Cmp{
			clientv3.Compare(clientv3.ModRevision(owner), "=", h.ownerRev),
			clientv3.Compare(clientv3.ModRevision(shard), "=", h.shardRev),
		},
		then: append([]clientv3.Op{clientv3.OpPut(shard, encode(next))}, more...),
		look: []string{owner, shard},
	}
}
