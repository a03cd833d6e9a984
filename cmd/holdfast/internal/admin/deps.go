package admin

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// Router sends a command to the owner of its actor and waits for the answer.
type Router interface {
	Call(ctx context.Context, cmd *cluster.Command) (*cluster.Answer, error)
}

// View is what the node knows of the cluster, and where wishes are put.
type View interface {
	ClusterID() string
	Shards() int
	Routes() *cluster.Routes
	Assignments() *cluster.Assignments
	Nodes() []*clusterv1.Node
	DrainedNodes() []cluster.NodeName
	Drained(n cluster.NodeName) bool
	Coordinator() cluster.Incarnation
	Loads() *cluster.Loads

	Assign(ctx context.Context, s cluster.ShardID, n cluster.NodeName) error
	Pin(ctx context.Context, s cluster.ShardID, n cluster.NodeName) error
	Unpin(ctx context.Context, s cluster.ShardID) error
	SetDrained(ctx context.Context, n cluster.NodeName, drained bool) error
	Propose() cluster.Proposal
	Rebalance(ctx context.Context, maxMoving int) (cluster.Proposal, error)
	Rebalancing() (cluster.RebalanceJob, bool)

	Catalog() *cluster.Catalog
	PutProduct(ctx context.Context, p *clusterv1.Product) error
	Zones() *cluster.Zones
	PutZone(ctx context.Context, spec *clusterv1.ZoneSpec) (*clusterv1.ZoneSpec, error)
	DeleteZone(ctx context.Context, name string) error
}

// Trail is what was recorded about owners and moves.
type Trail interface {
	// Owners returns the latest records of a shard, the latest first.
	Owners(ctx context.Context, s cluster.ShardID, limit int) ([]*clusterv1.OwnerRecord, error)
	// At returns the record in effect at a moment, or audit.ErrNoRecord if none
	// reaches back so far.
	At(ctx context.Context, s cluster.ShardID, at time.Time) (*clusterv1.OwnerRecord, error)
	// Moves returns the latest receipts, the latest first.
	Moves(ctx context.Context, limit int) ([]*clusterv1.MoveReceipt, error)
}

// Letters are the messages that made their actors fail.
type Letters interface {
	List(ctx context.Context, after shard.LetterID, limit int) (letters []shard.KeptLetter, kept uint64, err error)
	Get(ctx context.Context, id shard.LetterID) (shard.KeptLetter, error)
	Drop(ctx context.Context, id shard.LetterID) error
	DropThrough(ctx context.Context, last shard.LetterID) (dropped uint64, err error)
	Claim(ctx context.Context, id shard.LetterID, request uint64) (uint64, error)
	Claimed(ctx context.Context, id shard.LetterID) (request uint64, ok bool, err error)
	Unclaim(ctx context.Context, id shard.LetterID) error
}

// Tapes are where the node's gateway records.
type Tapes interface {
	// Start begins a recording; tape.ErrRecording if there is one.
	Start() error
	// Stop ends it; tape.ErrNotRecording if there is none.
	Stop() (tape.Status, error)
	Status() tape.Status
}

// Deps is what a Service stands on. All fields are required. The caller closes
// what they are made of after the Service was last used.
type Deps struct {
	Router  Router
	View    View
	Trail   Trail
	Letters Letters
	Tapes   Tapes
	// Log says how large the log of an incarnation is.
	Log func(ctx context.Context, inc cluster.Incarnation) (shard.LogSize, error)
}

// Validate says what is missing.
func (d Deps) Validate() error {
	switch {
	case d.Router == nil:
		return errors.New("admin deps: Router: not set")
	case d.View == nil:
		return errors.New("admin deps: View: not set")
	case d.Trail == nil:
		return errors.New("admin deps: Trail: not set")
	case d.Letters == nil:
		return errors.New("admin deps: Letters: not set")
	case d.Tapes == nil:
		return errors.New("admin deps: Tapes: not set")
	case d.Log == nil:
		return errors.New("admin deps: Log: not set")
	}
	return nil
}
