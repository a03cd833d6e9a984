package top

import (
	"context"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// Sample is a cluster at one moment.
type Sample struct {
	// From is the address of the node that was asked.
	From   string
	Nodes  *adminv1.NodesResponse
	Shards *adminv1.ShardsResponse
	Moves  *adminv1.MovesResponse
	// Note says what is missing, if anything is.
	Note string
}

// Source looks at the cluster. It returns within a few seconds, and is not called
// twice at a time.
type Source func(ctx context.Context) (*Sample, error)

// Config is what a Model can be told. Source and Every are required.
type Config struct {
	Source Source
	// Every is the time between two looks.
	Every time.Duration
	// Output is the terminal, asked for its colours. nil: none.
	Output io.Writer
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// goneFor is how long a node that has gone stays on the screen.
const goneFor = time.Minute

// Model is the state of the screen.
type Model struct {
	cfg   Config
	style styles

	width, height int

	sample *Sample
	// asked is when the sample was taken; failed and err are about the looks since.
	asked  time.Time
	failed int
	err    error
	// gone are nodes that were there and are not any more, and since when.
	gone map[string]goneNode

	order  order
	top    int // first shard on the screen
	paused bool
	help   bool
}

type goneNode struct {
	row   *adminv1.NodeRow
	since time.Time
}

// New returns a model that has seen nothing yet.
func New(cfg Config) *Model {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	return &Model{cfg: cfg, style: newStyles(lipgloss.NewRenderer(cfg.Output)), gone: make(map[string]goneNode), order: byRate}
}

// looked is the result of a look.
type looked struct {
	sample *Sample
	err    error
}

// due says that it is time for the next look.
type due struct{}

// Init implements tea.Model: the first look.
func (m *Model) Init() tea.Cmd { return m.look }

// look asks the source.
func (m *Model) look() tea.Msg {
	s, err := m.cfg.Source(context.Background())
	return looked{s, err}
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.stay()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.press(msg)
	case looked:
		m.take(msg)
		// The next look comes a while after the last, so that a slow cluster is
		// asked less often.
		return m, tea.Tick(m.cfg.Every, func(time.Time) tea.Msg { return due{} })
	case due:
		return m, m.look
	}
	return m, nil
}

// take puts a look on the screen, unless the screen is held.
func (m *Model) take(l looked) {
	if l.err != nil {
		m.failed++
		m.err = l.err
		return
	}
	m.failed, m.err = 0, nil
	if m.paused {
		return
	}
	now := m.cfg.Now()
	m.remember(l.sample, now)
	m.sample, m.asked = l.sample, now
}

// remember notes which nodes have gone since the last sample.
func (m *Model) remember(s *Sample, now time.Time) {
	here := make(map[string]bool)
	for _, r := range s.Nodes.GetNodes() {
		here[r.GetNode().GetName()] = true
	}
	if m.sample != nil {
		for _, r := range m.sample.Nodes.GetNodes() {
			if name := r.GetNode().GetName(); !here[name] && r.GetAlive() {
				m.gone[name] = goneNode{&adminv1.NodeRow{Node: r.GetNode()}, now}
			}
		}
	}
	for name, g := range m.gone {
		if here[name] || now.Sub(g.since) > goneFor {
			delete(m.gone, name)
		}
	}
}
