package world

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// show is what a zone of 10 Hz has sent, by the number of the frame.
type show struct {
	start        time.Time
	frames, keys map[uint64][]byte
	full         map[uint64]int
}

func newShow(t *testing.T, epoch uint64, frames uint32) *show {
	t.Helper()
	s := &show{
		start: time.UnixMilli(1_700_000_000_000), frames: make(map[uint64][]byte), keys: make(map[uint64][]byte), full: make(map[uint64]int),
	}
	e, err := delta.NewEncoder(delta.Config{Schema: delta.World, Epoch: epoch, Start: s.start, Hz: 10})
	if err != nil {
		t.Fatal(err)
	}
	table := delta.NewTable(delta.World)
	for n := uint32(1); n <= frames; n++ {
		table.Reset()
		table.Append(7, 100+n*n, 50, 3, 1000, 1)
		s.frames[uint64(n)] = push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{
			World: &clientv1.WorldFrame{Stream: 4, Frame: e.Encode(nil, n, table)},
		}})
		s.keys[uint64(n)] = push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldKey{
			WorldKey: &clientv1.WorldKey{Stream: 4, Zone: "z", Cell: 2, Frame: e.Keyframe(nil)},
		}})
		s.full[uint64(n)] = snapshotSize(n, appendEntities(nil, table))
	}
	return s
}

// due is when frame n was.
func (s *show) due(n uint64) time.Time { return s.start.Add(time.Duration(n) * 100 * time.Millisecond) }

// watch is a viewer who is sent keyframes (negative numbers) and frames, each a
// millisecond after it was due.
func (s *show) watch(l *library, numbers ...int) *viewer {
	v := &viewer{sampled: true}
	for _, n := range numbers {
		text, number := s.frames[uint64(n)], uint64(n)
		if n < 0 {
			text, number = s.keys[uint64(-n)], uint64(-n)
		}
		v.log = append(v.log, receipt{s.due(number).Add(time.Millisecond).UnixNano(), l.file(text)})
	}
	return v
}

func span(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func notesOf(viewers ...*viewer) (all []note) {
	for _, v := range viewers {
		all = append(all, note{v, v.log, v.gone != nil})
	}
	return all
}

func TestJudge(t *testing.T) {
	s := newShow(t, 1, 40)
	all := slices.Concat([]int{-3}, span(4, 40))
	for name, tc := range map[string]struct {
		viewers [][]int
		// Of frames 11 to 30.
		received, lost, conflated, undecodable, stray int64
	}{
		"everything":              {viewers: [][]int{all, all}, received: 40},
		"came at different times": {viewers: [][]int{slices.Concat([]int{-5}, span(6, 40)), all}, received: 40},
		// The 19 behind cannot be decoded by who is sampled, and what it ends with differs.
		"one lost":           {viewers: [][]int{all, slices.Concat([]int{-3}, span(4, 20), span(22, 40))}, received: 39, lost: 1, undecodable: 20},
		"lost by the first":  {viewers: [][]int{slices.Concat([]int{-3}, span(4, 20), span(22, 40)), all}, received: 39, lost: 1, undecodable: 20},
		"conflated":          {viewers: [][]int{all, slices.Concat([]int{-3}, span(4, 20), []int{-25}, span(26, 40))}, received: 36, conflated: 4},
		"conflated for all":  {viewers: [][]int{slices.Concat([]int{-3}, span(4, 20), []int{-25}, span(26, 40))}, received: 16, conflated: 4},
		"the end is missing": {viewers: [][]int{all, slices.Concat([]int{-3}, span(4, 28))}, received: 38, lost: 2},
		"a keyframe more":    {viewers: [][]int{slices.Concat([]int{-3}, span(4, 20), []int{-20}, span(21, 40))}, received: 20},
		"a stray":            {viewers: [][]int{all, slices.Concat([]int{-3}, span(4, 20), []int{15}, span(21, 40))}, received: 40, stray: 1},
		// Nobody has what stands between: it was lost by both, without a keyframe.
		"came after":     {viewers: [][]int{slices.Concat([]int{-3}, span(4, 15)), slices.Concat([]int{-20}, span(21, 40))}, received: 15, lost: 15},
		"only before it": {viewers: [][]int{all, slices.Concat([]int{-3}, span(4, 5))}, received: 20, lost: 20},
	} {
		t.Run(name, func(t *testing.T) {
			n := &nodeScene{tracing: true}
			l := newLibrary()
			var viewers []*viewer
			for _, numbers := range tc.viewers {
				viewers = append(viewers, s.watch(l, numbers...))
			}
			v, err := newJudge(n, l).judge(notesOf(viewers...), s.due(11), s.due(31))
			if err != nil {
				t.Fatal(err)
			}
			if v.received != tc.received || v.lost != tc.lost || v.conflated != tc.conflated || v.undecodable != tc.undecodable || v.stray != tc.stray {
				t.Errorf("got %d received, %d lost, %d conflated, %d undecodable, %d stray, want %+v",
					v.received, v.lost, v.conflated, v.undecodable, v.stray, tc)
			}
			if got := v.latency.Max(); v.latency.TotalCount() != tc.received || math.Abs(float64(got)-1e6) > 1e4 {
				t.Errorf("got %d latencies, the largest %d ns, want 1 ms each", v.latency.TotalCount(), got)
			}
			if name == "everything" {
				want := int64(0)
				for i := uint64(11); i <= 30; i++ {
					want += 2 * int64(s.full[i])
				}
				if v.full != want || len(v.trace) != 20 || v.due != 40 || v.seats != 2 {
					t.Errorf("got %d bytes of full snapshots, %d of them, %d due in %d seats, want %d", v.full, len(v.trace), v.due, v.seats, want)
				}
			}
		})
	}
}

// A judge goes on where it was; what was lost before a stretch is not lost in it.
func TestJudgeGoesOn(t *testing.T) {
	s, l := newShow(t, 1, 40), newLibrary()
	j := newJudge(&nodeScene{}, l)
	v := s.watch(l, slices.Concat([]int{-3}, span(4, 9), span(11, 12))...)
	w := s.watch(l, slices.Concat([]int{-3}, span(4, 12))...)
	first, err := j.judge(notesOf(v, w), s.due(5), s.due(13))
	if err != nil || first.lost != 1 || first.received != 15 {
		t.Fatalf("got %+v, %v, want one lost", first, err)
	}
	v.log, w.log = s.watch(l, span(13, 40)...).log, s.watch(l, span(13, 40)...).log
	second, err := j.judge(notesOf(v, w), s.due(20), s.due(30))
	if err != nil || second.lost != 0 || second.received != 20 {
		t.Errorf("got %+v, %v, want nothing lost", second, err)
	}
}

func TestWhoIsDisconnectedHasLostNothingElse(t *testing.T) {
	s, l := newShow(t, 1, 40), newLibrary()
	v := s.watch(l, slices.Concat([]int{-3}, span(4, 20))...)
	v.gone = errClosedByServer
	got, err := newJudge(&nodeScene{}, l).judge(notesOf(v, s.watch(l, slices.Concat([]int{-3}, span(4, 40))...)), s.due(11), s.due(31))
	if err != nil || got.disconnected != 1 || got.lost != 0 || got.received != 30 || got.due != 40 {
		t.Errorf("got %+v, %v, want one disconnected", got, err)
	}
}

func TestRunsThatCannotBeJudged(t *testing.T) {
	s, l := newShow(t, 1, 40), newLibrary()
	v := s.watch(l, -3, 4, 5)
	other := newShow(t, 2, 40)
	v.log = append(v.log, other.watch(l, -7).log...)
	if _, err := newJudge(&nodeScene{}, l).judge(notesOf(v), s.due(1), s.due(9)); err == nil || !strings.Contains(err.Error(), "changed hands") {
		t.Errorf("got %v, want to hear of another epoch", err)
	}
	l = newLibrary()
	v.log = []receipt{{0, l.file([]byte{0xFF})}}
	if _, err := newJudge(&nodeScene{}, l).judge(notesOf(v), s.due(1), s.due(9)); err == nil {
		t.Error("made something of a message that is none")
	}
	l = newLibrary()
	l.size = maxLibrary
	v.log = []receipt{{0, l.file([]byte("more"))}}
	if _, err := newJudge(&nodeScene{}, l).judge(notesOf(v), s.due(1), s.due(9)); err == nil || !strings.Contains(err.Error(), "different bytes") {
		t.Errorf("got %v, want to hear that it was too much", err)
	}
}

// What is read by hand is what the generated code reads.
func TestExplain(t *testing.T) {
	frame := []byte{1, 2, 3}
	for _, tc := range []struct {
		frame *clientv1.ServerFrame
		want  meaning
	}{
		{&clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: 300, Frame: frame}}},
			meaning{kindFrame, 300, frame}},
		{&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldKey{WorldKey: &clientv1.WorldKey{Stream: 2, Zone: "z", Cell: 9, Frame: frame}}},
			meaning{kindKey, 2, frame}},
		{&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{1}}}}, meaning{kind: kindGone}},
		{&clientv1.ServerFrame{Body: &clientv1.ServerFrame_Presence{Presence: &clientv1.Presence{Channel: "zone/z"}}}, meaning{}},
		{&clientv1.ServerFrame{Seq: 5, Body: &clientv1.ServerFrame_Entered{Entered: &clientv1.Entered{Entity: 1}}}, meaning{}},
	} {
		text, err := proto.Marshal(tc.frame)
		if err != nil {
			t.Fatal(err)
		}
		got, err := explain(text)
		if err != nil || got.kind != tc.want.kind || got.stream != tc.want.stream || !bytes.Equal(got.frame, tc.want.frame) {
			t.Errorf("%v: got %+v, %v, want %+v", tc.frame, got, err, tc.want)
		}
	}
}

func TestRateDoesNotDependOnWhereAStretchBegins(t *testing.T) {
	for _, tc := range []struct {
		due, received int64
		want          float64
	}{
		{10, 10, 20}, {9, 9, 20}, {11, 11, 20}, // half a second
		{10, 9, 18}, // one lost
		{5, 5, 10},  // a slow server
	} {
		begin := time.Unix(0, 0)
		m := &measured{verdict: &verdict{due: 3 * tc.due, seats: 3, received: 3 * tc.received}, hz: 20, from: begin, to: begin.Add(time.Second / 2)}
		if got := m.rate(); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%d of %d: got %g Hz, want %g", tc.received, tc.due, got, tc.want)
		}
	}
}
