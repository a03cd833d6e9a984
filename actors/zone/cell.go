package zone

import (
	"slices"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// quiet is how long a cell's stream goes on in which nobody is and for which
// nobody asks.
const quiet = 10 * time.Second

// grid is how a zone is divided into interest cells, numbered row by row from the
// south-west corner.
type grid struct {
	side       float64 // 0: the whole zone is one cell
	cols, rows uint32
}

func newGrid(z *clientv1.Zone) grid {
	return grid{
		side: float64(z.GetCell()),
		cols: columns(z.GetWidth(), z.GetCell()), rows: columns(z.GetHeight(), z.GetCell()),
	}
}

func (g grid) cells() uint32 { return g.cols * g.rows }

// at is the cell of a place.
func (g grid) at(x, y float64) uint32 {
	if g.side == 0 {
		return 0
	}
	return min(uint32(y/g.side), g.rows-1)*g.cols + min(uint32(x/g.side), g.cols-1)
}

// left says whether a place is so far outside of a cell that what was in it has
// left it. Who walks along a border does not change cells all the time.
func (g grid) left(cell uint32, x, y float64) bool {
	if g.side == 0 {
		return false
	}
	margin := g.side / 8
	west, south := float64(cell%g.cols)*g.side, float64(cell/g.cols)*g.side
	return x < west-margin || x > west+g.side+margin || y < south-margin || y > south+g.side+margin
}

// cell is one interest cell that somebody is in or has looked at.
type cell struct {
	number     uint32
	topic      string
	population int
	dirty      bool  // looks other than in the last frame
	busy       int64 // when somebody was last there or asked for it

	table  *delta.Table
	due    bool    // table is to be shown
	stream *stream // nil until the first frame
}

// cell returns a cell, opening it if it is not.
func (w *world) cell(number uint32) *cell {
	c := w.cells[number]
	if c == nil {
		c = &cell{number: number, topic: Topic(w.name, number), table: delta.NewTable(delta.World), dirty: true}
		w.cells[number] = c
		w.open = append(w.open, c)
	}
	return c
}

// rehome moves an entity to another cell when it has left its own.
func (w *world) rehome(e *entity) {
	if w.grid.left(e.cell, e.x, e.y) {
		w.vacate(e.cell)
		w.place(e)
	}
}

// vacate takes an entity out of a cell.
func (w *world) vacate(number uint32) {
	c := w.cells[number]
	c.population--
	c.dirty = true
	c.busy = w.time(w.tick)
}

// reap closes the cells that are quiet.
func (w *world) reap(now time.Time) {
	w.check = now.Add(checkEvery).UnixNano()
	w.open = slices.DeleteFunc(w.open, func(c *cell) bool {
		if c.population > 0 || now.UnixNano()-c.busy <= int64(quiet) {
			return false
		}
		w.cells[c.number] = nil
		return true
	})
}
