package synth

import (
	"container/heap"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// started is when made-up tapes begin: the same always, so that they are alike.
var started = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Header is what a tape of the spec says about itself.
func (s *Spec) Header() tape.Header { return tape.Header{Started: started, Profile: s.Name} }

// Synthesise writes what the players of a spec would send.
func Synthesise(s *Spec, w *tape.Writer) error {
	if err := s.Validate(); err != nil {
		return err
	}
	var due players
	popular := zipf(s.Products.Count, s.Products.Zipf)
	for i := range s.Crowds {
		c := newCrowd(s, &s.Crowds[i], popular)
		for n := range c.Players {
			due = append(due, newPlayer(c, uint64(len(due)+1), n+1))
		}
	}
	heap.Init(&due)
	var buffer []byte
	for len(due) > 0 && due[0].at < s.Duration {
		p := due[0]
		rec := tape.Record{At: p.at, Kind: tape.Received, Conn: p.conn}
		f, stays := p.next()
		switch {
		case !stays:
			rec.Kind = tape.Closed
			heap.Pop(&due)
		case f == nil:
			rec.Kind, rec.Player = tape.Opened, p.name
			heap.Fix(&due, 0)
		default:
			b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(buffer[:0], f)
			if err != nil {
				return fmt.Errorf("encode frame: %w", err)
			}
			buffer, rec.Frame, rec.Size = b, b, len(b)
			heap.Fix(&due, 0)
		}
		if err := w.Append(&rec); err != nil {
			return err
		}
	}
	return nil
}

// players is a heap: who is due first comes first, at the same moment by number.
type players []*player

func (q players) Len() int { return len(q) }

func (q players) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].conn < q[j].conn
}

func (q players) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *players) Push(p any) { *q = append(*q, p.(*player)) }

func (q *players) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
