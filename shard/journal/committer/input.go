package committer

import (
	"time"

	"github.com/holdfast-game/holdfast/cluster"
)

// Input is what happened.
type Input struct {
	Kind InputKind
	Now  time.Time
	// Number is the entry that was acknowledged, refused or failed.
	Number uint64
	// Attempt is the one that is answered.
	Attempt uint64
	// Seq is where an acknowledged entry stands.
	Seq cluster.LogSeq
	// Found is what was read: nil for nothing.
	Found *Entry
	// Err ends the log.
	Err error
}

// InputKind is the kind of an Input.
type InputKind uint8

const (
	// Offer: an entry was cut. Only when there is room.
	Offer InputKind = iota
	// Ack: an entry was written, at Seq.
	Ack
	// Refusal: an entry was refused for its expected sequence.
	Refusal
	// Failure: an entry could not be published, or the answer was another
	// error; it may have been written nevertheless.
	Failure
	// Found: a read was answered.
	Found
	// ReadFailure: a read was answered by an error.
	ReadFailure
	// Tick: time has passed.
	Tick
	// Reconnect: the connection is back; what was under way on it is lost.
	Reconnect
	// End: the log can no longer be written.
	End
)

// Effect is what should be done.
type Effect struct {
	Kind EffectKind
	// Number is the entry to publish, or to read; of Durable the last entry
	// that is durable now.
	Number  uint64
	Attempt uint64
	// Again: the entry was published before.
	Again bool
	// Err of Ended is why.
	Err error
}

// EffectKind is the kind of an Effect.
type EffectKind uint8

const (
	// Publish: publish the entry, expecting number-1 before it.
	Publish EffectKind = iota
	// Read: read what stands at number.
	Read
	// Durable: everything up to Number is durable.
	Durable
	// Ended: the log has ended; nothing will become durable any more.
	Ended
)

// Entry is as much of an entry that was read as the machine looks at.
type Entry struct {
	Incarnation cluster.Incarnation
	Number      uint64
	Seal        bool
}
