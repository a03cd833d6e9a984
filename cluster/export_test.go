package cluster

import (
	"sync"
	"time"
)

// OpenViewPaged is OpenView with pages of another size.
var OpenViewPaged = openView

// ModelMember is a member whose etcd is a model: it has transactions and
// nothing that runs by itself.
func ModelMember(client *Client, shards int, name NodeName, id LeaseID) *Member {
	v := &View{client: client, keys: keys{"/sim"}, shards: shards, cfg: Config{}.withDefaults()}
	m := &Member{
		view:      v,
		cfg:       JoinConfig{Name: name, Address: Address(name)},
		id:        id,
		inc:       incarnationOf(name, id),
		lease:     newLease(readClocks, 0),
		done:      make(chan struct{}),
		acquiring: make([]sync.Mutex, shards),
	}
	m.lease.renew(readClocks(), time.Hour)
	return m
}
