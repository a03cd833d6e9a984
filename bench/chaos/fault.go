package chaos

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Kind names a kind of fault.
type Kind string

// kind says what a kind of fault does, and for how long.
type kind struct {
	about string
	// shortest and longest bound its length; in leases when lease is true.
	shortest, longest time.Duration
	leases            float64 // instead: exactly so many TTLs
	// members of etcd and NATS that it takes.
	members int
	// steering is done by operators, at any time, whatever else is broken.
	steering bool
	// inject breaks something and returns what mends it, and which node's shards
	// are hit; "" for all.
	inject func(ctx context.Context, c *cluster, f *Fault) (*injury, error)
}

// injury is an injected fault.
type injury struct {
	// target says in words what was hit.
	target string
	// node owns the shards that are hit; "" for all shards.
	node string
	// heal mends what was broken. It is called once, with a context of its own.
	heal func(ctx context.Context) error
}

// skipped is the reason that a fault could not be injected.
type skipped struct{ error }

func skip(reason string) error { return skipped{errors.New(reason)} }

// kinds are all there are. It is filled by init, as their functions look at it.
var kinds map[Kind]*kind

func init() {
	kinds = map[Kind]*kind{
		"kill":         {about: "kill -9 of a node or a gateway", longest: 4 * time.Second, inject: injectKill},
		"pause-half":   {about: "SIGSTOP of a node for half a lease", leases: 0.5, inject: injectPause},
		"pause-1.5":    {about: "SIGSTOP of a node for 1.5 leases", leases: 1.5, inject: injectPause},
		"pause-3":      {about: "SIGSTOP of a node for 3 leases", leases: 3, inject: injectPause},
		"cut-etcd":     {about: "nothing between a node and etcd, one way or both", shortest: time.Second, longest: 6 * time.Second, inject: injectCutEtcd},
		"cut-nats":     {about: "nothing between a node and NATS, one way or both", shortest: time.Second, longest: 6 * time.Second, inject: injectCutNATS},
		"cut-peer":     {about: "nothing to a node from its peers, or back, or both", shortest: time.Second, longest: 6 * time.Second, inject: injectCutPeer},
		"cut-gateway":  {about: "nothing to a gateway from the nodes, or back, or both", shortest: time.Second, longest: 6 * time.Second, inject: injectCutGateway},
		"latency":      {about: "a node's wires are slow", shortest: 2 * time.Second, longest: 5 * time.Second, inject: injectLatency},
		"drop-replies": {about: "replies are lost on some wires, which are reset then", shortest: 500 * time.Millisecond, longest: 2 * time.Second, inject: injectDropReplies},
		"nats-restart": {about: "kill -9 of a NATS server", longest: 2 * time.Second, inject: injectNATSRestart},
		"etcd-leader":  {about: "kill -9 of the leader of etcd", shortest: time.Second, longest: 5 * time.Second, members: 3, inject: injectEtcdLeader},
		"member-lost":  {about: "one of three etcd members and one of three NATS servers are gone", shortest: 4 * time.Second, longest: 10 * time.Second, members: 3, inject: injectMemberLost},
		"disk-full":    {about: "the disk of one NATS server is full, and it gives up", shortest: 2 * time.Second, longest: 5 * time.Second, members: 3, inject: injectDiskFull},
		"store-full":   {about: "NATS has no room, and says so", shortest: 2 * time.Second, longest: 6 * time.Second, inject: injectStoreFull},
		"fsync-error":  {about: "fsync fails in one member of etcd or NATS", shortest: time.Second, longest: 3 * time.Second, members: 3, inject: injectFsyncError},
		"slow-fsync":   {about: "fsync takes 50 ms to 250 ms in one member of etcd or NATS", shortest: 2 * time.Second, longest: 5 * time.Second, inject: injectSlowFsync},
		"move":         {about: "ctl move of some shards", steering: true, inject: injectMove},
		"drain":        {about: "ctl drain of a node, and undrain", shortest: 2 * time.Second, longest: 6 * time.Second, steering: true, inject: injectDrain},
		"rebalance":    {about: "ctl rebalance", steering: true, inject: injectRebalance},
	}
}

// Kinds returns all kinds of faults.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kinds)) }

// Fault is a fault of a schedule.
type Fault struct {
	Kind Kind `json:"kind"`
	// At is when it begins, For how long it lasts, since the load began.
	At  time.Duration `json:"at"`
	For time.Duration `json:"for"`
	// Dice decides what the kind leaves open: whom it hits, in which direction.
	Dice uint64 `json:"dice"`
}
