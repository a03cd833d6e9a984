package top

import (
	"cmp"

	tea "github.com/charmbracelet/bubbletea"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// order is what shards are sorted by.
type order string

const (
	byRate   order = "commands/s"
	byActors order = "actors"
	byBytes  order = "bytes"
	byShard  order = "number"
	byOwner  order = "owner"
)

// Keys are the keys that the screen knows, for its help and the manual.
const Keys = `r a b n o   sort shards by commands/s, actors, bytes, number, owner
↑ ↓ PgUp PgDn Home End   scroll the shards
p   hold the picture, and let it go
?   this help
q   end`

// press answers a key.
func (m *Model) press(k tea.KeyMsg) tea.Cmd {
	page := max(m.shardRoom(), 1)
	switch k.String() {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "r":
		m.sort(byRate)
	case "a":
		m.sort(byActors)
	case "b":
		m.sort(byBytes)
	case "n":
		m.sort(byShard)
	case "o":
		m.sort(byOwner)
	case "up", "k":
		m.top--
	case "down", "j":
		m.top++
	case "pgup":
		m.top -= page
	case "pgdown", " ":
		m.top += page
	case "home", "g":
		m.top = 0
	case "end", "G":
		m.top = len(m.sample.shards())
	case "p":
		m.paused = !m.paused
	case "?", "h":
		m.help = !m.help
	}
	return nil
}

func (m *Model) sort(by order) { m.order, m.top = by, 0 }

// shards returns the rows of a sample; none without one.
func (s *Sample) shards() []*adminv1.ShardRow {
	if s == nil {
		return nil
	}
	return s.Shards.GetShards()
}

// compare orders two shards, the largest first, ties by number.
func (o order) compare(a, b *adminv1.ShardRow) int {
	var c int
	switch o {
	case byRate:
		c = cmp.Compare(b.GetLoad().GetCommands(), a.GetLoad().GetCommands())
	case byActors:
		c = cmp.Compare(b.GetLoad().GetActors(), a.GetLoad().GetActors())
	case byBytes:
		c = cmp.Compare(b.GetLoad().GetBytes(), a.GetLoad().GetBytes())
	case byOwner:
		c = cmp.Compare(a.GetOwner().GetNode(), b.GetOwner().GetNode())
	}
	return cmp.Or(c, cmp.Compare(a.GetShard(), b.GetShard()))
}
