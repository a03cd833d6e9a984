package zone

import (
	"slices"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/chat"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// newsEvery is the pause between two broadcasts of who has come and gone: when
	// a thousand players come at once, each of them must not hear of each alone.
	newsEvery = 200 * time.Millisecond
	// maxNews bounds how many wait to be told of. Of the others only the total is
	// told.
	maxNews = 5 * chat.MaxShown
)

// news are those who have come and gone and of whom nobody was told yet.
// Volatile: whoever needs to be sure asks who is there.
type news struct {
	joined, left []chat.Person
	at           int64 // of the last broadcast
}

func (n *news) any() bool { return len(n.joined) > 0 || len(n.left) > 0 }

// next says when they should be told.
func (n *news) next() (int64, bool) { return n.at + int64(newsEvery), n.any() }

func (n *news) due(now time.Time) bool {
	at, ok := n.next()
	return ok && passed(now, at)
}

// note takes what a decision has changed.
func (n *news) note(c *change) {
	if c.told {
		clear(n.joined)
		clear(n.left)
		n.joined, n.left, n.at = n.joined[:0], n.left[:0], c.now.UnixNano()
	}
	if c.joined.Player != "" {
		n.add(&n.joined, &n.left, c.joined)
	}
	for _, who := range c.left {
		n.add(&n.left, &n.joined, who)
	}
}

// add notes a person in one list. Whoever is in the other has gone and come
// again, or come and gone, and what they did last is what is told.
func (n *news) add(to, from *[]chat.Person, who chat.Person) {
	*from = slices.DeleteFunc(*from, func(p chat.Person) bool { return p.Player == who.Player })
	if len(*to) < maxNews {
		*to = append(*to, who)
	}
}

// tell broadcasts the news, in as many messages as it takes.
func (z *zone) tell(out *actors.Decision) {
	joined, left := z.news.joined, z.news.left
	for len(joined) > 0 || len(left) > 0 {
		p := &clientv1.Presence{Channel: chat.Name(z.ref), Total: uint32(len(z.people))}
		p.Joined, joined = show(joined)
		p.Left, left = show(left)
		out.Broadcasts = append(out.Broadcasts, actors.Broadcast{Topic: chat.PresenceTopic(z.ref), Body: p})
	}
}

// show shows the first of some people, and returns the others.
func show(people []chat.Person) (shown []*clientv1.Person, others []chat.Person) {
	n := min(len(people), chat.MaxShown)
	for _, who := range people[:n] {
		shown = append(shown, who.Show())
	}
	return shown, people[n:]
}
