package cluster

import (
	"errors"
	"fmt"
)

var (
	// ErrUnavailable: etcd did not answer in time. Whether the call took
	// effect is unknown; the same call may be made again and finds out.
	ErrUnavailable = errors.New("etcd unavailable")

	// ErrNotOwner: the holding has ended. Somebody else owns the shard, or
	// nobody, or this member at a later epoch. Nothing was written.
	ErrNotOwner = errors.New("not the owner")

	// ErrOwned: somebody else owns the shard. Nothing was written.
	ErrOwned = errors.New("owned by another")

	// ErrUndecided: the shard's owner has not handed it over, and still may.
	ErrUndecided = errors.New("not handed over yet")

	// ErrSuccessorGone: the node that a shard should be handed to is no longer
	// a member. Nothing was written.
	ErrSuccessorGone = errors.New("the successor is gone")

	// ErrLeaseLost: this incarnation is over.
	ErrLeaseLost = errors.New("lease lost")

	// ErrLeft: the member gave its lease up itself.
	ErrLeft = errors.New("member has left")

	// ErrNameTaken: a node of that name lives, or its lease has not run out.
	ErrNameTaken = errors.New("node name taken")

	// ErrMismatch: the cluster has another number of shards, or its keys are
	// of a later format than this program knows.
	ErrMismatch = errors.New("cluster does not match")

	// ErrNoCluster: there is no cluster under the prefix.
	ErrNoCluster = errors.New("no such cluster")

	// ErrRolledBack: what etcd and the logs say about a shard does not fit
	// together: some of it was restored from an older copy. An operator must
	// decide.
	ErrRolledBack = errors.New("state was rolled back")
)

// NotOwnerError is an ErrNotOwner that says who the owner is now.
type NotOwnerError struct {
	Shard ShardID
	// Owner is the zero Route when nobody owns the shard.
	Owner Route
}

func (e *NotOwnerError) Error() string {
	return fmt.Sprintf("shard %s: not the owner: %s is", e.Shard, e.Owner)
}

func (e *NotOwnerError) Unwrap() error { return ErrNotOwner }

// OwnedError is an ErrOwned that says by whom.
type OwnedError struct {
	Shard ShardID
	Owner Route
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("shard %s: owned by %s", e.Shard, e.Owner)
}

func (e *OwnedError) Unwrap() error { return ErrOwned }
