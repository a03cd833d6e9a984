package top

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// usualWidth and usualHeight are those of a terminal that has not said.
	usualWidth, usualHeight = 80, 24
	// lastReceipts and movesShown bound the middle of the screen.
	lastReceipts = 5
	movesShown   = 4
	// leastShards is how many shards must have room before there is any for moves.
	leastShards = 5
	// headLines is what head has once there is a sample.
	headLines = 3
)

// styles are how lines look, on a terminal that has colours.
type styles struct {
	title, faint, alarm, key lipgloss.Style
}

func newStyles(r *lipgloss.Renderer) styles {
	return styles{
		title: r.NewStyle().Bold(true),
		faint: r.NewStyle().Faint(true),
		alarm: r.NewStyle().Foreground(lipgloss.Color("1")).Bold(true),
		key:   r.NewStyle().Reverse(true),
	}
}

// size is that of the terminal.
func (m *Model) size() (width, height int) {
	if m.width == 0 {
		return usualWidth, usualHeight
	}
	return m.width, m.height
}

// View implements tea.Model.
func (m *Model) View() string {
	width, height := m.size()
	lines := m.head(width)
	switch {
	case m.help:
		for line := range strings.SplitSeq(Keys, "\n") {
			lines = append(lines, cut(line, width))
		}
	case m.sample != nil:
		lines = append(append(lines, m.nodes(width)...), "")
		if moves := m.moves(width); len(moves) > 0 && m.hasRoomFor(moves) {
			lines = append(append(lines, moves...), "")
		}
		lines = append(lines, m.shards(width, m.shardRoom())...)
	}
	lines = lines[:min(len(lines), max(height-1, 0))]
	for len(lines) < height-1 {
		lines = append(lines, "")
	}
	foot := m.style.faint.Render(cut("q end · r a b n o sort · ↑↓ scroll · p hold · ? help", width))
	return strings.Join(append(lines, foot), "\n")
}

// around is how many lines stand around the shards and the moves: head, nodes
// with their titles, a gap, the shards' titles and what is below them, the keys.
func (m *Model) around() int {
	return headLines + 1 + len(m.sample.Nodes.GetNodes()) + len(m.gone) + 1 + 2 + 1
}

// hasRoomFor says whether moves can be shown and some shards as well.
func (m *Model) hasRoomFor(moves []string) bool {
	_, height := m.size()
	return height-m.around()-len(moves)-1 >= leastShards
}

// shardRoom is how many shards can be shown.
func (m *Model) shardRoom() int {
	if m.sample == nil {
		return 0
	}
	width, height := m.size()
	room := height - m.around()
	if moves := m.moves(width); len(moves) > 0 && m.hasRoomFor(moves) {
		room -= len(moves) + 1
	}
	return max(room, 0)
}

// stay keeps the shards from being scrolled off the screen.
func (m *Model) stay() {
	m.top = max(min(m.top, len(m.sample.shards())-m.shardRoom()), 0)
}

// head says which cluster this is, and how old the picture.
func (m *Model) head(width int) []string {
	if m.sample == nil {
		line := "looking at the cluster …"
		if m.err != nil {
			line = "nobody answers: " + oneLine(m.err)
		}
		return []string{cut(line, width), ""}
	}
	var rate float64
	alive, owned := 0, 0
	for _, r := range m.sample.Nodes.GetNodes() {
		if r.GetAlive() {
			alive++
		}
		rate += r.GetLoad().GetCommands()
	}
	for _, r := range m.sample.shards() {
		if r.GetOwner() != nil {
			owned++
		}
	}
	parts := []string{
		m.sample.Nodes.GetCluster(), m.asked.UTC().Format("15:04:05Z"), plural(alive, "node"),
		fmt.Sprintf("%d of %s served", owned, plural(len(m.sample.shards()), "shard")),
		show.Number(rate) + " commands/s",
	}
	lines := []string{m.style.title.Render(cut(strings.Join(parts, " · "), width))}
	switch {
	case m.err != nil:
		age := m.cfg.Now().Sub(m.asked).Round(time.Second)
		lines = append(lines, m.style.alarm.Render(cut(fmt.Sprintf("no answer for %s: %s", age, oneLine(m.err)), width)))
	case m.sample.Note != "":
		lines = append(lines, m.style.alarm.Render(cut(m.sample.Note, width)))
	case m.paused:
		lines = append(lines, m.style.key.Render(cut("held; p lets it go", width)))
	default:
		lines = append(lines, m.style.faint.Render(cut("from "+m.sample.From, width)))
	}
	return append(lines, "")
}

var nodeColumns = []column{
	{"NODE", 9, true}, {"STATE", 8, true}, {"SHARDS", 7, false}, {"COMMANDS/S", 6, false}, {"P50", 3, false},
	{"P99", 5, false}, {"BACKLOG", 4, false}, {"LOG", 2, false}, {"ROLES", 1, true},
}

func (m *Model) nodes(width int) []string {
	rows := slices.Clone(m.sample.Nodes.GetNodes())
	for _, name := range slices.Sorted(maps.Keys(m.gone)) {
		rows = append(rows, m.gone[name].row)
	}
	slices.SortStableFunc(rows, func(a, b *adminv1.NodeRow) int { return strings.Compare(a.GetNode().GetName(), b.GetNode().GetName()) })
	cells := make([][]string, len(rows))
	for i, r := range rows {
		n, rate, p50, p99, backlog, log := r.GetNode(), "-", "-", "-", "-", "-"
		if l := r.GetLoad(); l != nil {
			rate, p50, p99 = show.Number(l.GetCommands()), show.Millis(l.GetP50Ms()), show.Millis(l.GetP99Ms())
			backlog = strconv.FormatUint(uint64(l.GetBacklog()), 10)
		}
		if r.GetLog() != nil {
			log = show.Bytes(r.GetLog().GetBytes())
		}
		name := n.GetName()
		if n.GetIncarnation() != "" && n.GetIncarnation() == m.sample.Nodes.GetCoordinator() {
			name += " *"
		}
		cells[i] = []string{
			name, show.NodeState(r), strconv.FormatUint(uint64(r.GetOwned()), 10), rate, p50, p99, backlog, log,
			show.Dash(strings.Join(n.GetRoles(), ",")),
		}
	}
	lines := m.titled(layout(nodeColumns, cells, width))
	for i, r := range rows {
		if !r.GetAlive() {
			lines[i+1] = m.style.alarm.Render(lines[i+1])
		}
	}
	return lines
}

var receiptColumns = []column{
	{"MOVED", 9, false}, {"FROM", 7, true}, {"TO", 8, true}, {"OUTCOME", 6, true}, {"STALL", 5, false},
	{"ACTORS", 3, false}, {"LOST", 4, false}, {"AGO", 2, false},
}

// moves is what moves now, and the last receipts; nothing if there are none.
func (m *Model) moves(width int) []string {
	var lines []string
	if r := m.sample.Moves.GetRebalancing(); r != nil && r.GetFinished() == nil {
		left := 0
		for _, p := range r.GetMoves() {
			if p.GetState() == clusterv1.MoveState_MOVE_STATE_PENDING {
				left++
			}
		}
		line := fmt.Sprintf("rebalance %s by the %s: %d of %s left", r.GetId(), r.GetBy(), left, plural(len(r.GetMoves()), "move"))
		lines = append(lines, cut(line, width))
	}
	var moving []string
	for _, u := range m.sample.Moves.GetUnderWay() {
		moving = append(moving, fmt.Sprintf("%d %s→%s", u.GetShard(), show.Dash(u.GetFrom()), u.GetTo()))
	}
	if n := len(moving); n > 0 {
		more := ""
		if n > movesShown {
			moving, more = moving[:movesShown], fmt.Sprintf(" and %d more", n-movesShown)
		}
		lines = append(lines, cut("moving: "+strings.Join(moving, ", ")+more, width))
	}
	receipts := m.sample.Moves.GetReceipts()
	receipts = receipts[:min(len(receipts), lastReceipts)]
	if len(receipts) == 0 {
		return lines
	}
	cells := make([][]string, len(receipts))
	for i, r := range receipts {
		ago := "-"
		if r.GetStarted() != nil {
			ago = max(m.asked.Sub(r.GetStarted().AsTime()).Round(time.Second), 0).String()
		}
		cells[i] = []string{
			strconv.FormatUint(uint64(r.GetShard()), 10), r.GetFrom(), r.GetTo(), show.Outcome(r), show.Millis(r.GetStallMs()),
			show.Number(float64(r.GetActors())), strconv.FormatUint(r.GetLost(), 10), ago,
		}
	}
	table := m.titled(layout(receiptColumns, cells, width))
	for i, r := range receipts {
		if r.GetLost() > 0 || r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED {
			table[i+1] = m.style.alarm.Render(table[i+1])
		}
	}
	return append(lines, table...)
}

var shardColumns = []column{
	{"SHARD", 9, false}, {"OWNER", 8, true}, {"COMMANDS/S", 7, false}, {"ACTORS", 5, false}, {"BYTES", 4, false},
	{"EPOCH", 2, false}, {"TO", 6, true}, {"PIN", 3, true},
}

// shards is so many of them, from m.top on.
func (m *Model) shards(width, room int) []string {
	rows := slices.Clone(m.sample.shards())
	slices.SortFunc(rows, m.order.compare)
	page := rows[m.top:min(m.top+room, len(rows))]
	cells := make([][]string, len(page))
	for i, r := range page {
		rate, actors, size, to := "-", "-", "-", ""
		if l := r.GetLoad(); l != nil {
			rate, actors, size = show.Number(l.GetCommands()), show.Number(float64(l.GetActors())), show.Bytes(l.GetBytes())
		}
		if r.GetAssigned() != r.GetOwner().GetNode() {
			to = r.GetAssigned()
		}
		cells[i] = []string{
			strconv.FormatUint(uint64(r.GetShard()), 10), show.Dash(r.GetOwner().GetNode()), rate, actors, size,
			strconv.FormatUint(r.GetOwner().GetEpoch(), 10), to, r.GetPinned(),
		}
	}
	lines := m.titled(layout(shardColumns, cells, width))
	for i, r := range page {
		if r.GetOwner() == nil {
			lines[i+1] = m.style.alarm.Render(lines[i+1])
		}
	}
	where := fmt.Sprintf("by %s", m.order)
	if len(page) < len(rows) {
		where += fmt.Sprintf(", %d to %d of %d", m.top+min(1, len(page)), m.top+len(page), len(rows))
	}
	return append(lines, m.style.faint.Render(cut(where, width)))
}

// titled makes the first line stand out.
func (m *Model) titled(lines []string) []string {
	lines[0] = m.style.title.Render(lines[0])
	return lines
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// oneLine is an error without line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
