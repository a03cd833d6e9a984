package checkpoint

import "errors"

var (
	// ErrNotFound: there is no object of that name.
	ErrNotFound = errors.New("checkpoint object not found")

	// ErrNoStore: the cluster has no checkpoints yet.
	ErrNoStore = errors.New("no checkpoint store")

	// ErrCorrupt: an object is not what was written.
	ErrCorrupt = errors.New("corrupt checkpoint object")

	// ErrTooLarge: an actor's name or state is larger than a checkpoint holds.
	ErrTooLarge = errors.New("actor too large for a checkpoint")
)
