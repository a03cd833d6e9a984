package gateway

import (
	"math"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// grid is how a zone is divided into interest cells, numbered row by row from
// the south-west corner.
type grid struct {
	cell       float64
	cols, rows int
}

func gridOf(z *clientv1.Zone) grid {
	if z.GetCell() == 0 {
		return grid{cols: 1, rows: 1}
	}
	side := z.GetCell()
	return grid{
		cell: float64(side),
		cols: max(int((z.GetWidth()+side-1)/side), 1),
		rows: max(int((z.GetHeight()+side-1)/side), 1),
	}
}

// at is the cell of a place, or the one nearest to it.
func (g grid) at(x, y float64) uint32 {
	if g.cell == 0 {
		return 0
	}
	return uint32(g.clamp(y, g.rows)*g.cols + g.clamp(x, g.cols))
}

func (g grid) clamp(v float64, n int) int {
	if math.IsNaN(v) {
		return 0
	}
	return int(min(max(v/g.cell, 0), float64(n-1)))
}

// around appends the cells that somebody in cell sees: it and its neighbours.
func (g grid) around(dst []uint32, cell uint32) []uint32 {
	col, row := int(cell)%g.cols, int(cell)/g.cols
	for r := max(row-1, 0); r <= min(row+1, g.rows-1); r++ {
		for c := max(col-1, 0); c <= min(col+1, g.cols-1); c++ {
			dst = append(dst, uint32(r*g.cols+c))
		}
	}
	return dst
}
