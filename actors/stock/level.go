package stock

import (
	"time"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// level is what was last broadcast of a slice. Volatile: whoever takes over a
// slice does not know what its viewers have seen, and tells them again.
type level struct {
	known bool // free is what was broadcast at that moment
	free  int64
	at    int64
	any   bool // something has ever happened to the slice
}

func (l *level) touched() { l.any = true }

func (l *level) announced(free, at int64) { *l = level{known: true, free: free, at: at, any: true} }

// next says when the level should be broadcast, if it has changed.
func (l *level) next(free int64, every time.Duration) (int64, bool) {
	if !l.any || l.known && l.free == free {
		return 0, false
	}
	return l.at + int64(every), true
}

// announceIfDue broadcasts the level when it has changed and the last broadcast
// is long enough ago.
func (s *slice) announceIfDue(env *actors.Env, out *actors.Decision) {
	if at, ok := s.level.next(s.free, s.cfg.LevelEvery); ok && passed(env.Now, at) {
		s.announce(env, s.free, out)
	}
}

// announceIfZero broadcasts at once that a decision uses up what was free.
func (s *slice) announceIfZero(env *actors.Env, free int64, out *actors.Decision) {
	if free == 0 {
		s.announce(env, 0, out)
	}
}

func (s *slice) announce(env *actors.Env, free int64, out *actors.Decision) {
	s.change.announced, s.change.free, s.change.now = true, free, env.Now.UnixNano()
	out.Broadcasts = append(out.Broadcasts, actors.Broadcast{Topic: Topic(s.sku), Body: s.levelMessage(free)})
}

func (s *slice) levelMessage(free int64) *clusterv1.StockSlice {
	m := &clusterv1.StockSlice{Sku: string(s.sku), Slice: s.index, Free: free}
	if p, ok := s.cfg.Catalog.Product(s.sku); ok {
		m.Slices, m.Low = min(p.GetSlices(), MaxSlices), p.GetLowStock()
	}
	return m
}

// decideLevel answers the method Level.
func (s *slice) decideLevel(msg *actors.Message, out *actors.Decision) error {
	m := s.levelMessage(s.free)
	if !s.level.any && s.index >= m.GetSlices() {
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "there is no slice %s", s.ref())
	}
	out.Reply(msg.ReplyTo, m)
	return nil
}
