package integration

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway/auth"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	arena      = "arena"
	arenaBots  = 20
	arenaSpeed = 6 // units per second
)

// spectator is a player in the arena who keeps its eyes open.
type spectator struct {
	*client.Conn
	view *client.ZoneView

	mu   sync.Mutex
	seen []sight
}

// sight is what a spectator saw at one moment.
type sight struct {
	at       time.Time
	entities []client.Entity
}

// enterArena connects a player through a gateway and has it watch until the test
// ends.
func (d *drill) enterArena(player string, gateway int) *spectator {
	d.t.Helper()
	token, err := auth.Mint([]byte(d.nodes[gateway].secret(d.at[gateway].SecretFile)), auth.Grant{Player: player, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		d.t.Fatal(err)
	}
	conn, err := client.Dial(d.ctx, d.urls()[gateway], client.Options{Token: token})
	if err != nil {
		d.t.Fatal(err)
	}
	s := &spectator{Conn: conn}
	if s.view, err = conn.EnterZone(d.ctx, arena, client.EnterOptions{}); err != nil {
		d.t.Fatal(err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watch()
	}()
	d.t.Cleanup(func() {
		_ = conn.Close() // its goroutine has ended, one way or the other
		<-watched
	})
	return s
}

func (s *spectator) watch() {
	for {
		select {
		case <-s.view.Updates():
			now := sight{time.Now(), s.view.Entities(nil)}
			s.mu.Lock()
			s.seen = append(s.seen, now)
			s.mu.Unlock()
		case <-s.view.Done():
			return
		}
	}
}

// since returns what was seen from a moment on, with the last sight before it.
func (s *spectator) since(from time.Time) []sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.seen, from, func(x sight, t time.Time) int { return x.at.Compare(t) })
	return slices.Clone(s.seen[max(0, i-1):])
}

// gap is the longest time in which nothing new was seen.
func gap(seen []sight) (longest time.Duration) {
	for i := 1; i < len(seen); i++ {
		longest = max(longest, seen[i].at.Sub(seen[i-1].at))
	}
	return longest
}

// leap is by how much anybody was farther from where it had been seen before than
// it can have walked.
func leap(seen []sight) (farthest float64, who uint32) {
	for i := 1; i < len(seen); i++ {
		before := make(map[uint32]client.Entity, len(seen[i-1].entities))
		for _, e := range seen[i-1].entities {
			before[e.ID] = e
		}
		walked := arenaSpeed * seen[i].at.Sub(seen[i-1].at).Seconds()
		for _, e := range seen[i].entities {
			b, ok := before[e.ID]
			if d := math.Hypot(e.X-b.X, e.Y-b.Y) - walked; ok && d > farthest {
				farthest, who = d, e.ID
			}
		}
	}
	return farthest, who
}

// sees waits until a spectator sees what it should.
func (d *drill) sees(s *spectator, what string, cond func([]client.Entity) bool) {
	d.t.Helper()
	d.stack.await(d.ctx, "let a spectator see "+what, func() bool { return cond(s.view.Entities(nil)) })
}

// openArena makes the zone and returns its shard.
func (d *drill) openArena() cluster.ShardID {
	d.t.Helper()
	_, err := d.admin(0).PutZone(d.ctx, connect.NewRequest(&adminv1.PutZoneRequest{Spec: &clusterv1.ZoneSpec{
		Zone: &clientv1.Zone{Name: arena, Width: 80, Height: 60, MaxSpeed: arenaSpeed}, Bots: arenaBots,
	}}))
	if err != nil {
		d.t.Fatal(err)
	}
	return cluster.ActorID{Kind: "zone", ID: arena}.Shard(shardCount)
}

func (d *drill) moveShard(s cluster.ShardID, node string) {
	d.t.Helper()
	if _, err := d.admin(0).Move(d.ctx, connect.NewRequest(&adminv1.MoveRequest{Shard: uint32(s), Node: node})); err != nil {
		d.t.Fatal(err)
	}
}

// A zone is moved while players are in it: the picture stands still for a moment
// shorter than they notice, nobody is anywhere else afterwards, and all they are
// told is who runs the zone now. Then its node is killed, and another goes on with
// it within the lease and a second, with everybody in it.
func TestZoneOutlivesItsOwners(t *testing.T) {
	d := startDrill(t, 3*time.Minute)
	shard := d.openArena()
	d.moveShard(shard, "c") // the players come through the others
	d.stack.await(d.ctx, "have the arena with c", func() bool { return d.owners(0)[shard] == "c" })
	ann, bob := d.enterArena("ann", 0), d.enterArena("bob", 1)
	everybody := func(es []client.Entity) bool { return len(es) == arenaBots+2 }
	for _, s := range []*spectator{ann, bob} {
		d.sees(s, "everybody", everybody)
	}
	if _, err := ann.Say(d.ctx, &clientv1.Say{Channel: "zone/" + arena, Request: 1, Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Walk(d.ctx, arena, 10, 10); err != nil {
		t.Fatal(err)
	}

	var gaps []time.Duration
	for _, to := range []string{"a", "b", "c", "a", "c"} {
		began := time.Now()
		d.moveShard(shard, to)
		for _, s := range []*spectator{ann, bob} {
			d.sees(s, "that the owner has changed", func([]client.Entity) bool { return s.view.Owner() == to })
		}
		pause(d.ctx, 300*time.Millisecond)
		for _, s := range []*spectator{ann, bob} {
			seen := s.since(began)
			gaps = append(gaps, gap(seen))
			if far, who := leap(seen); far > 1 {
				t.Errorf("after the move to %s entity %d was %.1f units farther than it can have walked", to, who, far)
			}
		}
	}
	slices.Sort(gaps)
	t.Logf("planned moves: the picture stood still for %v, at most %v", gaps[len(gaps)/2].Round(time.Millisecond), gaps[len(gaps)-1].Round(time.Millisecond))
	if worst := gaps[len(gaps)-1]; worst > *drillPause {
		t.Errorf("the picture stood still for %v, want at most %v", worst, *drillPause)
	}

	began := time.Now()
	d.nodes[2].kill()
	for _, s := range []*spectator{ann, bob} {
		d.sees(s, "another owner", func([]client.Entity) bool { return s.view.Owner() != "c" && s.view.Owner() != "" })
	}
	pause(d.ctx, 300*time.Millisecond)
	for _, s := range []*spectator{ann, bob} {
		d.sees(s, "everybody again", everybody)
		worst := gap(s.since(began))
		t.Logf("owner killed: the picture stood still for %v", worst.Round(time.Millisecond))
		if limit := leaseTTL + time.Second; worst > limit {
			t.Errorf("the picture stood still for %v, want at most %v", worst, limit)
		}
	}
	d.remembered(ann)
	if _, err := ann.Steer(d.ctx, arena, 1, 0); err != nil {
		t.Errorf("steer after the owner was killed: %v", err)
	}
}

// remembered wants the zone to know who is in it, and what was said.
func (d *drill) remembered(s *spectator) {
	d.t.Helper()
	who, err := s.Who(d.ctx, "zone/"+arena)
	if err != nil {
		d.t.Fatal(err)
	}
	var names []string
	for _, p := range who.GetPeople() {
		names = append(names, p.GetPlayer())
	}
	if want := []string{"ann", "bob"}; !slices.Equal(names, want) {
		d.t.Errorf("in the arena are %v, want %v", names, want)
	}
	lines, err := s.ReadChat(d.ctx, "zone/"+arena, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(lines) != 1 || lines[0].GetText() != "hello" || lines[0].GetPlayer() != "ann" {
		d.t.Errorf("said in the arena: %v, want ann's hello", lines)
	}
}
