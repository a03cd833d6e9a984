package journal

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What JetStream answers to a publish when there is no room: the limit of the
// server (max_file_store, which it chooses itself if it is not told), that of the
// account, or that of the stream. The entry was not written, and the same entry
// will be accepted when there is room.
//
// A disk that is full although no limit is reached is another matter: the server
// stops writing to the stream, or altogether, and answers nothing until it is
// started again. That looks like any server that does not answer.
const (
	codeAccountFull jetstream.ErrorCode = 10002 // resource limits exceeded for account
	codeServerFull  jetstream.ErrorCode = 10023 // insufficient resources
	codeStorageFull jetstream.ErrorCode = 10047 // insufficient storage resources available
	codeStreamFull  jetstream.ErrorCode = 10077 // maximum bytes, or messages, exceeded
)

// StoreFull says whether err is JetStream's word that there is no room, or
// ErrStoreFull.
func StoreFull(err error) bool {
	if errors.Is(err, ErrStoreFull) {
		return true
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case codeAccountFull, codeServerFull, codeStorageFull, codeStreamFull:
		return true
	default:
		return false
	}
}

// fullFor is how long the word that the store is full counts. A log that has
// anything to write asks several times a second.
const fullFor = 2 * time.Second

// fullness remembers when the store was last said to be full. It is 0 since
// something has become durable, and before.
type fullness struct{ at atomic.Int64 }

// Full says that the log cannot be written because the store is full, and not
// because the server does not answer: it was said a moment ago, and nothing has
// become durable since. What was appended waits, and is written when there is
// room.
func (l *Log) Full() bool {
	at := l.full.at.Load()
	return at != 0 && time.Since(l.buffer.opened)-time.Duration(at) < fullFor
}

// refusedAsFull notes that the server says so.
func (l *Log) refusedAsFull() {
	if l.full.at.Swap(max(int64(time.Since(l.buffer.opened)), 1)) == 0 {
		l.cfg.Logger.Error("the store is full: nothing more can be written to the log", "log", l.cfg.Name, "waiting", l.Backlog())
	}
	l.cfg.OnFull()
}

// wroteAgain notes that something has become durable.
func (l *Log) wroteAgain() {
	if l.full.at.Load() != 0 {
		l.full.at.Store(0)
		l.cfg.Logger.Info("the log is written again", "log", l.cfg.Name)
	}
}
