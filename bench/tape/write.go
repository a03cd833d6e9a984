package tape

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// run is the goroutine of a recorder.
func (r *Recorder) run() {
	defer close(r.done)
	tick := time.NewTicker(flushEvery / 4)
	defer tick.Stop()
	for ending := false; !ending; {
		select {
		case <-r.queue.wake:
		case <-tick.C:
		case <-r.ending:
			ending = true
		}
		if r.failed.Load() {
			r.discard()
			continue
		}
		if err := r.round(); err != nil {
			r.fail(err)
		}
	}
	if r.failed.Load() {
		return
	}
	if err := r.tape.Close(); err != nil {
		r.fail(err)
		return
	}
	r.report(func(s *Status) { s.On = false })
}

// round writes all that was noted.
func (r *Recorder) round() error {
	chunks, lost, lostAt := r.queue.take(r.taken[:0])
	r.taken = chunks
	for i, chunk := range chunks {
		for rest := chunk; len(rest) > 0; {
			var n noted
			n, rest = nextNoted(rest)
			if err := r.write(&n); err != nil {
				return err
			}
		}
		r.queue.give(chunk)
		chunks[i] = nil
	}
	if lost > 0 {
		r.dropped += lost
		if err := r.append(&Record{Kind: Dropped, At: lostAt, Lost: lost}); err != nil {
			return err
		}
	}
	if now := time.Now(); now.Sub(r.flushed) >= flushEvery {
		r.flushed = now
		if err := r.tape.Flush(); err != nil {
			return err
		}
	}
	r.report(nil)
	return nil
}

// write keeps one record, without what must not be kept.
func (r *Recorder) write(n *noted) error {
	rec := Record{At: n.at, Kind: n.kind, Size: n.size}
	var ok bool
	switch n.kind {
	case Opened:
		rec.Conn = n.id
		r.open[n.id] = string(n.body)
		rec.Player = r.name(r.open[n.id])
	case Closed:
		rec.Conn = n.id
		delete(r.open, n.id)
	case Received:
		rec.Conn = n.id
		rec.Frame, ok = r.redactor.client(r.scratch[:0], n.body, r.open[n.id])
	case Sent:
		rec.Conn = n.id
		rec.Frame, ok = r.redactor.server(r.scratch[:0], n.body, r.open[n.id])
	case Shown:
		rec.Stream, rec.Viewers = uint32(n.id), n.aside
		rec.Frame, ok = r.redactor.server(r.scratch[:0], n.body, "")
	}
	if ok {
		r.scratch = rec.Frame
	}
	return r.append(&rec)
}

// name is a player as the tape has it.
func (r *Recorder) name(player string) string {
	if r.redactor.names == nil {
		return player
	}
	return r.redactor.names.Of([]byte(player))
}

// append puts a record onto the tape at hand, or onto the next.
func (r *Recorder) append(rec *Record) error {
	// Goroutines race from the clock to the queue: who has lost gets the winner's
	// time.
	r.last = max(r.last, rec.At)
	if r.cfg.MaxBytes > 0 && r.older+r.tape.Size() >= r.cfg.MaxBytes {
		return ErrFull
	}
	if r.tape.Size() >= r.cfg.MaxFileBytes {
		if err := r.turn(); err != nil {
			return err
		}
	}
	rec.At = r.last - r.began
	r.records++
	return r.tape.Append(rec)
}

// turn ends the tape at hand and begins the next.
func (r *Recorder) turn() error {
	if err := r.tape.Close(); err != nil {
		return err
	}
	return r.begin(r.last)
}

// begin begins a tape at a moment of the recording, with the connections that
// are open.
func (r *Recorder) begin(at time.Duration) error {
	part := r.Status().Files + 1
	started := r.start.Add(at)
	name := fmt.Sprintf("%s-%s-%03d.tape", r.start.UTC().Format("20060102T150405Z"), r.id[:4], part)
	if r.cfg.Node != "" {
		name = r.cfg.Node + "-" + name
	}
	path := filepath.Join(r.cfg.Dir, name)
	w, err := r.cfg.create(path, Header{
		Started: started, Node: r.cfg.Node, Build: r.cfg.Build, Hashed: !r.cfg.Players, KeyID: r.keyID,
		Recording: r.id, Part: part,
	})
	if err != nil {
		return err
	}
	if r.tape != nil {
		r.older += r.tape.Size()
	}
	r.tape, r.began = w, at
	r.report(func(s *Status) { s.File, s.Files = path, part })
	conns := make([]uint64, 0, len(r.open))
	for conn := range r.open {
		conns = append(conns, conn)
	}
	slices.Sort(conns)
	for _, conn := range conns {
		r.records++
		if err := w.Append(&Record{Kind: Opened, Conn: conn, Player: r.name(r.open[conn])}); err != nil {
			return err
		}
	}
	return nil
}

// fail ends the recording for good; the gateway goes on.
func (r *Recorder) fail(err error) {
	r.failed.Store(true)
	r.queue.close()
	_ = r.tape.Close() // as much of it as can be
	r.cfg.Logger.Error("the recording has ended", "file", r.Status().File, "err", err)
	r.report(func(s *Status) { s.On, s.Err = false, err })
	r.discard()
}

// discard empties the queue of a recording that has ended.
func (r *Recorder) discard() {
	chunks, _, _ := r.queue.take(nil)
	for _, c := range chunks {
		r.queue.give(c)
	}
}

// report brings the status up to date.
func (r *Recorder) report(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Records, r.status.Dropped, r.status.Bytes = r.records, r.dropped, r.older
	if r.tape != nil {
		r.status.Bytes += r.tape.Size()
	}
	if change != nil {
		change(&r.status)
	}
}
