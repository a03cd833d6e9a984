package delta

import "errors"

// What Decoder.Decode returns. After each of them but ErrStale the decoder waits
// for a keyframe, and its Table is the last good one.
var (
	// ErrGap: a frame before this one is missing.
	ErrGap = errors.New("delta: a frame is missing")
	// ErrHash: the state decoded is not the one encoded.
	ErrHash = errors.New("delta: wrong state hash")
	// ErrMalformed: no encoder made these bytes.
	ErrMalformed = errors.New("delta: malformed frame")
	// ErrVersion: a frame of another version of the format, or of another schema.
	ErrVersion = errors.New("delta: frame of another version or schema")
	// ErrStale: a frame of an older epoch, or one that was seen already. The decoder
	// is as before.
	ErrStale = errors.New("delta: stale frame")
	// ErrNoKey: there was no keyframe since the start or the last error.
	ErrNoKey = errors.New("delta: no keyframe yet")
)
