package gateway

import (
	"sync"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// stays are the zones and groups that one connection is in. The reader asks to
// enter and leave; the answers come from anywhere.
type stays struct {
	s *session

	mu     sync.Mutex
	ended  bool
	zones  map[string]*viewer // those on the way included
	groups map[string]bool    // the same; true when joined
}

// stayed returns the session's stays. Only the reader calls it.
func (s *session) stayed() *stays {
	if s.stays == nil {
		s.stays = &stays{s: s, zones: make(map[string]*viewer), groups: make(map[string]bool)}
	}
	return s.stays
}

// reserve returns the viewer of a zone, a new one if need be; nil when the
// connection is in too many zones.
func (st *stays) reserve(zone string) (v *viewer, isNew bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if v := st.zones[zone]; v != nil {
		return v, false
	}
	if len(st.zones) >= st.s.g.cfg.MaxZones {
		return nil, false
	}
	v = &viewer{s: st.s, zone: zone}
	st.zones[zone] = v
	return v, true
}

// take gives up the place of a zone, and returns who had it, nil for nobody.
func (st *stays) take(zone string) *viewer {
	st.mu.Lock()
	defer st.mu.Unlock()
	v := st.zones[zone]
	delete(st.zones, zone)
	return v
}

// giveBack does the same for a zone that could not be entered, if v still has
// its place.
func (st *stays) giveBack(v *viewer) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.zones[v.zone] == v {
		delete(st.zones, v.zone)
	}
}

// enter shows the zone to v, unless somebody else has its place by now. reply is
// called before the first frame can be written.
func (st *stays) enter(v *viewer, z *clientv1.Zone, entity uint32, at *clientv1.Point, reply func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	reply()
	if other := st.zones[v.zone]; st.ended || other != nil && other != v {
		return
	}
	st.zones[v.zone] = v
	v.spectates = entity == 0
	st.s.g.ears.listen(channelOf(kindZone, v.zone), st.s)
	st.s.g.hall.enter(v, z, entity, at)
}

// spectates tells whether the connection only looks at a zone.
func (st *stays) spectates(zone string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	v := st.zones[zone]
	return v != nil && v.spectates
}

// putOut has the scene dismiss v, and tells the client that it is not in the zone
// any more without having asked for that. To enter again comes before or after,
// not in between.
func (st *stays) putOut(v *viewer, dismiss func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	dismiss()
	if st.ended || st.zones[v.zone] != v {
		return
	}
	delete(st.zones, v.zone)
	st.s.g.ears.unlisten(channelOf(kindZone, v.zone), st.s)
	st.s.push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_LeftZone{LeftZone: &clientv1.LeftZone{Zone: v.zone}}})
}

// heardLeft is told that the player's entity has left a zone, by whatever hand.
func (st *stays) heardLeft(zone string, entity uint32) {
	st.mu.Lock()
	v := st.zones[zone]
	st.mu.Unlock()
	if v == nil {
		return
	}
	st.s.g.hall.post(v, func(sc *scene, now time.Time) {
		if v.entity == entity {
			sc.putOut(now, v)
		}
	})
}

// resync has a stream begin anew with a keyframe, whichever zone it is of.
func (st *stays) resync(stream uint32) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, v := range st.zones {
		st.s.g.hall.post(v, func(*scene, time.Time) { v.resync(stream) })
	}
}

// reserveGroup makes room for a group. False: there is none.
func (st *stays) reserveGroup(group string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, in := st.groups[group]; in {
		return true
	}
	if len(st.groups) >= st.s.g.cfg.MaxGroups {
		return false
	}
	st.groups[group] = false
	return true
}

// joinGroup begins to listen to a group, or gives its room back.
func (st *stays) joinGroup(group string, joined bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.ended:
	case joined:
		st.groups[group] = true
		st.s.g.ears.listen(channelOf(kindGroup, group), st.s)
	case !st.groups[group]:
		delete(st.groups, group)
	}
}

// leaveGroup listens to it no more.
func (st *stays) leaveGroup(group string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.groups[group] {
		st.s.g.ears.unlisten(channelOf(kindGroup, group), st.s)
	}
	delete(st.groups, group)
}

// end leaves everything, and tells nobody: who connects again soon is still in
// the zones.
func (st *stays) end() {
	if st == nil {
		return
	}
	g := st.s.g
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended = true
	for zone, v := range st.zones {
		g.ears.unlisten(channelOf(kindZone, zone), st.s)
		g.hall.leave(v, func() {})
	}
	for group, joined := range st.groups {
		if joined {
			g.ears.unlisten(channelOf(kindGroup, group), st.s)
		}
	}
	st.zones, st.groups = nil, nil
}
