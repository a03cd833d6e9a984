package tape

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// What a Deck refuses.
var (
	ErrRecording    = errors.New("a recording is under way already")
	ErrNotRecording = errors.New("no recording is under way")
)

// Deck is what a gateway is given for as long as it lives: it knows who is
// connected, and records while it is told to. Its methods may be called from any
// goroutine. Without a recording they cost nearly nothing.
type Deck struct {
	rec atomic.Pointer[Recorder] // nil: none

	mu   sync.Mutex
	open map[uint64]string
	last Status
}

// NewDeck returns a deck that does not record.
func NewDeck() *Deck { return &Deck{open: make(map[uint64]string)} }

// Start begins a recording; ErrRecording if there is one. The deck fills in
// cfg.Open.
func (d *Deck) Start(cfg Config) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.rec.Load(); r != nil {
		if r.On() {
			return ErrRecording
		}
		_ = r.Close() // it has ended
		d.last = r.Status()
		d.rec.Store(nil)
	}
	cfg.Open = maps.Clone(d.open)
	r, err := NewRecorder(cfg)
	if err != nil {
		return err
	}
	d.rec.Store(r)
	return nil
}

// Stop ends the recording and returns how it went; ErrNotRecording if there is
// none. Nobody waits for the disk but its caller: players come and go meanwhile.
func (d *Deck) Stop() (Status, error) {
	r := d.rec.Swap(nil)
	if r == nil {
		return d.Status(), ErrNotRecording
	}
	_ = r.Close() // its status says it
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = r.Status()
	return d.last, nil
}

// Status tells how the recording gets on, or how the last one went.
func (d *Deck) Status() Status {
	if r := d.rec.Load(); r != nil {
		return r.Status()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// On says whether frames are recorded.
func (d *Deck) On() bool {
	r := d.rec.Load()
	return r != nil && r.On()
}

// Opened tells that a player has come.
func (d *Deck) Opened(conn uint64, player string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[conn] = player
	if r := d.rec.Load(); r != nil {
		r.Opened(conn, player, at)
	}
}

// Closed tells that the connection has ended.
func (d *Deck) Closed(conn uint64, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, conn)
	if r := d.rec.Load(); r != nil {
		r.Closed(conn, at)
	}
}

// Received tells of a ClientFrame; see Recorder.
func (d *Deck) Received(conn uint64, frame []byte, size int, at time.Time) {
	if r := d.rec.Load(); r != nil {
		r.Received(conn, frame, size, at)
	}
}

// Sent tells of a ServerFrame; see Recorder.
func (d *Deck) Sent(conn uint64, frame []byte, size int, at time.Time) {
	if r := d.rec.Load(); r != nil {
		r.Sent(conn, frame, size, at)
	}
}

// Shown tells of a ServerFrame of the world; see Recorder.
func (d *Deck) Shown(stream uint32, frame []byte, viewers int, at time.Time) {
	if r := d.rec.Load(); r != nil {
		r.Shown(stream, frame, viewers, at)
	}
}
