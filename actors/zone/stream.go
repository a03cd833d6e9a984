package zone

import (
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// stream is what is shown of one cell: a keyframe, and then what changes.
type stream struct {
	encoder *delta.Encoder
	base    uint32 // the tick that is tick 0 of the stream
	tick    uint32 // of the last frame
	key     []byte // the keyframe, until it was shown
}

// newStream begins the stream of a cell that is as table says. Decoders tell the
// streams of one cell by the times of their frames, so a later one begins later
// than the one before was shown.
func (w *world) newStream(table *delta.Table) *stream {
	begins := max(w.time(w.tick)/int64(time.Millisecond), w.after)
	encoder, err := delta.NewEncoder(delta.Config{
		Schema: delta.World, Epoch: w.epoch, Start: time.UnixMilli(begins), Hz: int(w.hz),
	})
	if err != nil {
		panic(fmt.Sprintf("zone %s: %v", w.name, err)) // hz was validated, and the clock is not before 1970
	}
	return &stream{encoder: encoder, base: w.tick, tick: w.tick, key: encoder.Encode(nil, 0, table)}
}

// decideKey answers with all that is needed to follow a cell's stream, and begins
// one if there is none.
func (z *zone) decideKey(env *actors.Env, msg *actors.Message, m *clusterv1.ZoneKey, out *actors.Decision) error {
	w := z.look(env)
	if m.GetCell() >= w.grid.cells() {
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "zone %s has %d cells", z.ref.ID, w.grid.cells())
	}
	z.change.asked, z.change.cell = true, m.GetCell()
	if c := w.cells[m.GetCell()]; c != nil && c.stream != nil {
		out.Reply(msg.ReplyTo, &clusterv1.ZoneKeyframe{Frame: c.stream.encoder.Keyframe(nil)})
		return nil
	}
	table := delta.NewTable(delta.World)
	for i := range w.entities {
		if e := &w.entities[i]; e.cell == m.GetCell() {
			table.Append(e.id, e.shown[:]...)
		}
	}
	z.change.stream = w.newStream(table)
	out.Reply(msg.ReplyTo, &clusterv1.ZoneKeyframe{Frame: z.change.stream.key})
	return nil
}

// asked notes that somebody looks at a cell, and begins its stream if the
// decision has made one.
func (w *world) asked(c *change) {
	asked := w.cell(c.cell)
	asked.busy = c.now.UnixNano()
	if c.stream != nil && asked.stream == nil {
		asked.stream, asked.dirty = c.stream, false
		w.begun = true
	}
}

// Cast implements actors.Caster: it shows the keyframes of streams that have
// begun, and after a tick what has changed.
func (z *zone) Cast(cast func(topic string, frame []byte)) {
	w := z.world
	if w == nil || !w.ticked && !w.begun {
		return
	}
	if w.ticked {
		w.draw()
	}
	w.ticked, w.begun = false, false
	frames, bytes := 0, 0
	for _, c := range w.open {
		frame := w.frame(c)
		if frame == nil {
			continue
		}
		cast(c.topic, frame)
		frames, bytes = frames+1, bytes+len(frame)
	}
	if frames > 0 {
		z.cfg.Meter.Shown(frames, bytes)
	}
}

// draw fills the tables of the cells that are due: those that look other than
// before, and those that were not shown for a second.
func (w *world) draw() {
	for _, c := range w.open {
		if c.due = c.dirty || c.stream == nil || w.tick-c.stream.tick >= uint32(w.hz); c.due {
			c.table.Reset()
		}
	}
	for i := range w.entities {
		if e := &w.entities[i]; w.cells[e.cell].due {
			w.cells[e.cell].table.Append(e.id, e.shown[:]...)
		}
	}
}

// frame returns what is to be shown of a cell now, nil for nothing.
func (w *world) frame(c *cell) (frame []byte) {
	if c.due && c.stream == nil {
		c.stream = w.newStream(c.table)
		c.due, c.dirty = false, false
	}
	switch s := c.stream; {
	case s == nil:
	case s.key != nil:
		frame, s.key = s.key, nil
	case c.due && w.tick != s.tick:
		w.buffer = s.encoder.Encode(w.buffer[:0], w.tick-s.base, c.table)
		frame, s.tick = w.buffer, w.tick
		c.due, c.dirty = false, false
	}
	return frame
}
