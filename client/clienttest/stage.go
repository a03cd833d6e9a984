package clienttest

import (
	"sync"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// Actor is an entity on a Stage, in the fields of delta.World.
type Actor struct {
	ID, X, Y, Heading, HP, State uint32
}

// Stage plays the zone "plaza", whose cells have what the test puts there.
// Everybody who enters sees all of them. Other zones there are not.
type Stage struct {
	// Refuse, when set, may refuse a frame instead; nil lets it pass. It must not
	// call the Stage.
	Refuse func(s *Session, f *clientv1.ClientFrame) *clientv1.ServerFrame
	// Fields are what the stage says its entities consist of: those of delta.World
	// unless set before the first connection.
	Fields []*clientv1.Field

	mu    sync.Mutex
	tick  uint32
	cells []*delta.Encoder
	// hidden cells are not shown to who enters.
	hidden map[int]bool
	table  *delta.Table
	// guests have entered. Whoever is gone stays, and what it is sent goes nowhere.
	guests map[*Session]bool
	asked  []*clientv1.ClientFrame
}

// Start is when tick 0 of a Stage was; it has 20 ticks a second.
var Start = time.Unix(1_800_000_000, 0)

// NewStage returns a stage with this number of empty cells.
func NewStage(cells int) *Stage {
	s := &Stage{table: delta.NewTable(delta.World), hidden: make(map[int]bool), guests: make(map[*Session]bool)}
	for _, f := range delta.World.Fields() {
		s.Fields = append(s.Fields, &clientv1.Field{Name: f.Name, Kind: clientv1.FieldKind(f.Kind), Bits: uint32(f.Bits)})
	}
	for range cells {
		e, err := delta.NewEncoder(delta.Config{Schema: delta.World, Epoch: 1, Start: Start, Hz: 20})
		if err != nil {
			panic(err) // only the constants above are to blame
		}
		e.Encode(nil, 0, s.table)
		s.cells = append(s.cells, e)
	}
	return s
}

// Play makes one tick: cells[i] is what is in cell i, by increasing id. Sessions
// that lose is true for miss the frames.
func (s *Stage) Play(lose func(*Session) bool, cells ...[]Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick++
	for i, actors := range cells {
		s.table.Reset()
		for _, a := range actors {
			s.table.Append(a.ID, a.X, a.Y, a.Heading, a.HP, a.State)
		}
		frame := s.cells[i].Encode(nil, s.tick, s.table)
		for g := range s.guests {
			if lose == nil || !lose(g) {
				_ = g.Send(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{
					World: &clientv1.WorldFrame{Stream: stream(g, i), Frame: frame},
				}})
			}
		}
	}
}

// Dim has a cell go out of everybody's sight.
func (s *Stage) Dim(cell int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for g := range s.guests {
		_ = g.Send(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{
			WorldGone: &clientv1.WorldGone{Streams: []uint32{stream(g, cell)}},
		}})
	}
}

// Hide has a cell be out of sight of everybody who enters from now on.
func (s *Stage) Hide(cell int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden[cell] = true
}

// Push sends a frame to everybody who has entered.
func (s *Stage) Push(f *clientv1.ServerFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for g := range s.guests {
		_ = g.Send(f)
	}
}

// Asked returns the frames that came, Hello left out.
func (s *Stage) Asked() []*clientv1.ClientFrame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*clientv1.ClientFrame(nil), s.asked...)
}

// stream numbers the cells of each connection differently.
func stream(g *Session, cell int) uint32 { return uint32(10*g.Number + cell) }

// Handle is a Handler.
func (s *Stage) Handle(g *Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, f)
	if s.Refuse != nil {
		if refusal := s.Refuse(g, f); refusal != nil {
			return refusal
		}
	}
	switch b := f.Body.(type) {
	case *clientv1.ClientFrame_EnterZone:
		return s.enter(g, b.EnterZone)
	case *clientv1.ClientFrame_LeaveZone:
		delete(s.guests, g)
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_LeftZone{LeftZone: &clientv1.LeftZone{Zone: b.LeaveZone.GetZone()}}}
	case *clientv1.ClientFrame_Resync:
		s.show(g, int(b.Resync.GetStream()%10))
		return nil
	case *clientv1.ClientFrame_JoinGroup:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_JoinedGroup{JoinedGroup: &clientv1.JoinedGroup{Group: b.JoinGroup.GetGroup(), Members: 1}}}
	case *clientv1.ClientFrame_LeaveGroup:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_LeftGroup{LeftGroup: &clientv1.LeftGroup{Group: b.LeaveGroup.GetGroup()}}}
	case *clientv1.ClientFrame_Intent:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Intended{Intended: &clientv1.Intended{Clamped: true, At: &clientv1.Point{X: 1, Y: 2}}}}
	case *clientv1.ClientFrame_ListZones:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Zones{Zones: &clientv1.Zones{Zones: []*clientv1.Zone{plaza()}}}}
	case *clientv1.ClientFrame_Say:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Said{Said: &clientv1.Said{Id: 7}}}
	case *clientv1.ClientFrame_ReadChat:
		line := &clientv1.ChatLine{Channel: b.ReadChat.GetChannel(), Id: b.ReadChat.GetAfter() + 1, Text: "hello"}
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_ChatHistory{ChatHistory: &clientv1.ChatHistory{Lines: []*clientv1.ChatLine{line}}}}
	case *clientv1.ClientFrame_Who:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Present{Present: &clientv1.Present{Channel: b.Who.GetChannel(), Total: 3}}}
	case *clientv1.ClientFrame_Ping:
		return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Pong{Pong: &clientv1.Pong{}}}
	default:
		return Refuse(clientv1.Code_CODE_INVALID_ARGUMENT, "this stage does not")
	}
}

func plaza() *clientv1.Zone { return &clientv1.Zone{Name: "plaza", Width: 60, Height: 40, Hz: 20} }

func (s *Stage) enter(g *Session, e *clientv1.EnterZone) *clientv1.ServerFrame {
	if e.GetZone() != plaza().GetName() {
		return Refuse(clientv1.Code_CODE_NOT_FOUND, "no such zone")
	}
	s.guests[g] = true
	entered := &clientv1.Entered{Zone: plaza(), Fields: s.Fields, Owner: "a", Players: 1}
	if !e.GetSpectate() {
		entered.Entity = uint32(g.Number)
	}
	// Pictures may come before the answer, and after.
	for i := range s.cells {
		if !s.hidden[i] {
			s.show(g, i)
		}
	}
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Entered{Entered: entered}}
}

// show sends a picture of a cell.
func (s *Stage) show(g *Session, cell int) {
	_ = g.Send(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldKey{WorldKey: &clientv1.WorldKey{
		Stream: stream(g, cell), Zone: plaza().GetName(), Cell: uint32(cell), Frame: s.cells[cell].Keyframe(nil),
	}}})
}
