package shard

import "errors"

var (
	// errUnknownKind: no kind of that name is registered on this node.
	errUnknownKind = errors.New("no such kind of actor on this node")

	// ErrCorrupt: a shard's records do not fit each other, so that its state
	// cannot be known. The shard is not served; see docs/operations.md.
	ErrCorrupt = errors.New("corrupt shard")

	// errStopped: the shard is no longer served by this incarnation.
	errStopped = errors.New("shard is not served here any more")
)
