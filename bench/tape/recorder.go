package tape

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Recorder is told.
type Config struct {
	// Dir is the folder for the tapes. It is made if it is not there.
	Dir string
	// Node and Build are what the tapes say of where they come from. Node becomes
	// part of the files' names.
	Node, Build string
	// Key hashes the ids of players. Gateways with the same key give a player the
	// same name.
	Key []byte
	// Players has the ids of players kept as they are, and needs no key.
	Players bool
	// MaxFileBytes is when another file is begun. 0: 256 MiB.
	MaxFileBytes int64
	// MaxBytes is when the recording ends by itself, so that it cannot fill the
	// disk. 0: never.
	MaxBytes int64
	// Queue is how many bytes may wait to be written; beyond it frames are dropped.
	// 0: 16 MiB, which is a second of a busy gateway, or two.
	Queue int
	// Open are the connections that are open already, and whose they are.
	Open map[uint64]string
	// Logger is told of how the recording ends. nil: nobody is.
	Logger *slog.Logger

	create func(path string, h Header) (*Writer, error) // Create, but in tests
}

// MinKey is how many bytes a key has at least.
const MinKey = 16

const (
	defaultFileBytes = 256 << 20
	defaultQueue     = 16 << 20
	// flushEvery is how much a crash may cost of a recording.
	flushEvery = time.Second
)

// Validate says which field cannot work, and why.
func (c *Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("tape config: Dir: empty")
	case !c.Players && len(c.Key) < MinKey:
		return fmt.Errorf("tape config: Key: %d bytes, must be at least %d", len(c.Key), MinKey)
	case filepath.Base("x"+c.Node) != "x"+c.Node:
		return fmt.Errorf("tape config: Node: %q, must not name another folder", c.Node)
	case c.MaxFileBytes < 0:
		return fmt.Errorf("tape config: MaxFileBytes: %d, must not be negative", c.MaxFileBytes)
	case c.MaxBytes < 0:
		return fmt.Errorf("tape config: MaxBytes: %d, must not be negative", c.MaxBytes)
	case c.Queue < 0:
		return fmt.Errorf("tape config: Queue: %d, must not be negative", c.Queue)
	}
	return nil
}

// Status is how a recording gets on.
type Status struct {
	// On: frames are being recorded.
	On      bool
	Started time.Time
	Dir     string
	// File is the one that is written, or was last.
	File  string
	Files int
	// Players keep their ids.
	Players bool
	Records uint64
	// Bytes is what all files have together.
	Bytes int64
	// Dropped is how many records were lost because the disk was slow.
	Dropped uint64
	// Err is why the recording ended by itself.
	Err error
}

// ErrFull: the recording has as many bytes as it was allowed.
var ErrFull = errors.New("the recording has as many bytes as it may have")

// Recorder records to files in a folder. What it is told it queues and writes in
// a goroutine of its own: nobody waits for the disk. Its methods may be called
// from any goroutine.
type Recorder struct {
	cfg    Config
	queue  *queue
	id     string
	keyID  string
	start  time.Time
	ending chan struct{} // closed by Close
	done   chan struct{} // closed when nothing more is written
	once   sync.Once
	failed atomic.Bool

	mu     sync.Mutex
	status Status

	// Of the goroutine.
	redactor redactor
	tape     *Writer
	began    time.Duration // of the tape's first moment in the recording
	last     time.Duration // in the recording
	open     map[uint64]string
	scratch  []byte
	taken    [][]byte
	records  uint64
	dropped  uint64
	older    int64 // bytes in files that are closed
	flushed  time.Time
}

// NewRecorder begins to record.
func NewRecorder(cfg Config) (*Recorder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.MaxFileBytes == 0 {
		cfg.MaxFileBytes = defaultFileBytes
	}
	if cfg.Queue == 0 {
		cfg.Queue = defaultQueue
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.create == nil {
		cfg.create = Create
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the program instead
	now := time.Now()
	r := &Recorder{
		cfg: cfg, queue: newQueue(now, cfg.Queue), id: hex.EncodeToString(id[:]), start: now,
		ending: make(chan struct{}), done: make(chan struct{}),
		open: maps.Clone(cfg.Open), flushed: now,
		status: Status{On: true, Started: now, Dir: cfg.Dir, Players: cfg.Players},
	}
	if r.open == nil {
		r.open = make(map[uint64]string)
	}
	r.cfg.Open = nil
	if !cfg.Players {
		r.redactor.names = NewNames(cfg.Key)
		r.keyID = r.redactor.names.KeyID()
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if err := r.begin(0); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	go r.run()
	return r, nil
}

// On says whether frames are recorded still.
func (r *Recorder) On() bool { return !r.failed.Load() }

// Opened tells that a player has come.
func (r *Recorder) Opened(conn uint64, player string, at time.Time) {
	note(r.queue, Opened, conn, 0, 0, player, at)
}

// Closed tells that a connection has ended.
func (r *Recorder) Closed(conn uint64, at time.Time) { note(r.queue, Closed, conn, 0, 0, "", at) }

// Received tells of a ClientFrame, which came in a message of so many bytes. It
// keeps nothing of frame.
func (r *Recorder) Received(conn uint64, frame []byte, size int, at time.Time) {
	note(r.queue, Received, conn, 0, size, frame, at)
}

// Sent tells of a ServerFrame, likewise.
func (r *Recorder) Sent(conn uint64, frame []byte, size int, at time.Time) {
	note(r.queue, Sent, conn, 0, size, frame, at)
}

// Shown tells of a ServerFrame that all viewers of a stream were sent.
func (r *Recorder) Shown(stream uint32, frame []byte, viewers int, at time.Time) {
	note(r.queue, Shown, uint64(stream), viewers, len(frame), frame, at)
}

// Status tells how it gets on.
func (r *Recorder) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Close writes what was noted, ends the tape and waits for that. It returns why
// the recording ended earlier, if it did.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		r.queue.close()
		close(r.ending)
	})
	<-r.done
	return r.Status().Err
}
