package journal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// Stamp is a position for output commit: how many records had ever been
// appended to the log.
type Stamp uint64

// Log is one incarnation's log. Its methods can be called from any goroutine.
type Log struct {
	cfg    Config
	stream jetstream.Stream
	buffer *buffer
	wake   chan struct{} // to the committer: there is something to take

	durable atomic.Uint64
	lastSeq atomic.Uint64
	full    fullness

	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the committer has ended

	mu      sync.Mutex
	changed chan struct{} // closed when durable advances; nil when nobody waits
	err     error         // why the log ended; set before done is closed

	purgeMu sync.Mutex
	purged  cluster.LogSeq // entries below are gone
}

// Open creates the incarnation's log, which must not have entries, and starts
// its committer. The log must be closed, also when it has ended by itself.
func Open(ctx context.Context, js jetstream.JetStream, cfg Config) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	stream, err := createStream(ctx, js, cfg)
	if err != nil {
		return nil, err
	}
	w, err := openWire(js, cfg)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", cfg.Name, err)
	}
	l := &Log{
		cfg:    cfg,
		stream: stream,
		buffer: newBuffer(cfg.Incarnation, cfg.MaxEntryBytes, cfg.MaxRecords),
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	run, cancel := context.WithCancelCause(context.Background())
	l.cancel = cancel
	go newPump(l, w).run(run)
	return l, nil
}

// Append copies a batch, which is a concatenation of so many encoded records,
// into the buffer and returns the log's end behind it. It does not wait; the
// records become durable together and in the order of appending. It returns
// ErrTooLarge or ErrFull, having done nothing, or ErrFenced, ErrClosed or what
// else the log ended with.
func (l *Log) Append(batch []byte, records int) (Stamp, error) {
	end, wake, err := l.buffer.append(batch, records)
	if err != nil {
		return 0, err
	}
	if wake {
		select {
		case l.wake <- struct{}{}:
		default: // it is being woken already
		}
	}
	return end, nil
}

// End returns how many records have been appended.
func (l *Log) End() Stamp { return Stamp(l.buffer.end.Load()) }

// Durable returns how many records are durable. It never goes back.
func (l *Log) Durable() Stamp { return Stamp(l.durable.Load()) }

// DurableSeq returns the last entry that is durable, 0 if there is none.
func (l *Log) DurableSeq() cluster.LogSeq { return cluster.LogSeq(l.lastSeq.Load()) }

// DurableEnd returns Durable and DurableSeq as they belong together: the last
// durable entry ends with that record.
func (l *Log) DurableEnd() (Stamp, cluster.LogSeq) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Durable(), l.DurableSeq()
}

// Backlog returns how many records are appended and not durable. A large batch
// counts as one record for each KiB, so that the bound bounds memory too.
func (l *Log) Backlog() int { return int(l.buffer.backlog.Load()) }

// LastProgress returns when a record last became durable or, if that is later,
// when the first of those that wait was appended. idle: none waits.
func (l *Log) LastProgress() (t time.Time, idle bool) {
	return l.buffer.lastProgress()
}

// Wait returns nil once everything up to stamp is durable, and otherwise the
// cause of ctx or what the log has ended with.
func (l *Log) Wait(ctx context.Context, stamp Stamp) error {
	for l.Durable() < stamp {
		l.mu.Lock()
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if l.Durable() >= stamp {
			break // it advanced before anybody could tell us
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.done:
			if l.Durable() >= stamp {
				return nil
			}
			return l.Err()
		}
	}
	return nil
}

// Done is closed when the log has ended: nothing becomes durable any more.
func (l *Log) Done() <-chan struct{} { return l.done }

// Err returns why the log has ended: ErrFenced, ErrClosed, ErrDiverged or
// ErrDisconnected. It returns nil as long as it has not.
func (l *Log) Err() error {
	select {
	case <-l.done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.err
	default:
		return nil
	}
}

// Purge removes entries below keepFrom, which must be the smallest that any
// shard, checkpoint or claim under way names. The last durable entry always
// stays: an empty stream has forgotten too much.
func (l *Log) Purge(ctx context.Context, keepFrom cluster.LogSeq) error {
	l.purgeMu.Lock()
	defer l.purgeMu.Unlock()
	keepFrom = min(keepFrom, l.DurableSeq())
	if keepFrom <= max(l.purged, 1) {
		return nil
	}
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(keepFrom))); err != nil {
		return fmt.Errorf("purge log %s below %d: %w", l.cfg.Name, keepFrom, err)
	}
	l.purged = keepFrom
	return nil
}

// Close takes no more records, waits until all are durable or ctx is done, and
// ends the committer. It returns an error if records were lost by that: what
// the log has ended with, or the cause of ctx.
func (l *Log) Close(ctx context.Context) error {
	l.buffer.refuse(ErrClosed)
	err := l.Wait(ctx, l.End())
	l.cancel(ErrClosed)
	<-l.done
	if err != nil {
		return fmt.Errorf("close log %s with %d records not durable: %w", l.cfg.Name, l.End()-l.Durable(), err)
	}
	return nil
}

// advance tells everybody that more is durable.
func (l *Log) advance(stamp Stamp, seq uint64) {
	l.mu.Lock()
	// The sequence first: whoever has seen a record durable finds its entry too.
	l.lastSeq.Store(seq)
	l.durable.Store(uint64(stamp))
	changed := l.changed
	l.changed = nil
	l.mu.Unlock()
	if changed != nil {
		close(changed)
	}
	l.cfg.OnDurable(stamp)
}

// end closes done.
func (l *Log) end(err error) {
	l.buffer.refuse(err)
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	close(l.done)
}
