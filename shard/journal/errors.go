package journal

import (
	"errors"

	"github.com/holdfast-game/holdfast/shard/journal/committer"
)

var (
	// ErrFenced: the log has been sealed, and the seal was read. What was not
	// durable before is lost, and the incarnation must end.
	ErrFenced = committer.ErrFenced

	// ErrClosed: Close was called.
	ErrClosed = errors.New("log is closed")

	// ErrDiverged: something stands in the log that its writer did not write and
	// that is not a seal. The log ends, as it does when fenced.
	ErrDiverged = committer.ErrDiverged

	// ErrDisconnected: the connection to NATS was closed for good.
	ErrDisconnected = errors.New("connection to the log is closed")

	// ErrTooLarge: the batch would not fit into one entry. Nothing was appended.
	ErrTooLarge = errors.New("batch does not fit into a log entry")

	// ErrFull: the buffer is past its headroom. Nothing was appended.
	ErrFull = errors.New("log buffer is full")

	// ErrStoreFull: JetStream has no room. Nothing was written.
	ErrStoreFull = errors.New("the store is full")

	// ErrNoLog: there is no log of that name.
	ErrNoLog = errors.New("no such log")

	// ErrExists: the log to be opened has entries already.
	ErrExists = errors.New("log exists already")

	// ErrGap: entries are missing inside the log.
	ErrGap = errors.New("gap in the log")

	// ErrMissing: the log begins after the first entry that was asked for, or
	// ends before the last.
	ErrMissing = errors.New("log does not hold all entries asked for")

	// ErrCorrupt: an entry or record cannot be decoded.
	ErrCorrupt = errors.New("corrupt log entry")
)
