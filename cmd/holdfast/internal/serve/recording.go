package serve

import (
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
)

// tapesFolder is where operators' recordings go in the data folder.
const tapesFolder = "tapes"

// tapes is the node's recording, as operators switch it.
type tapes struct {
	deck *tape.Deck
	cfg  tape.Config
	// idle: the node has no gateway.
	idle bool
}

var _ admin.Tapes = (*tapes)(nil)

// openTapes prepares to record, and begins if the node was told to.
func (n *node) openTapes(version string, metrics prometheus.Registerer) error {
	dir := n.cfg.Record
	if dir == "" {
		dir = n.dir.File(tapesFolder)
	}
	dir, err := filepath.Abs(dir) // operators are told
	if err != nil {
		return n.cfg.Errorf("record", "%w", err)
	}
	n.tapes = &tapes{
		deck: tape.NewDeck(),
		cfg: tape.Config{
			Dir: dir, Node: n.cfg.Node, Build: version, Key: n.keys.record, Players: n.cfg.RecordPlayers,
			MaxBytes: int64(n.cfg.RecordBytes), Logger: n.logger,
		},
		idle: n.clients == nil,
	}
	n.tapes.measure(metrics)
	if n.cfg.Record == "" {
		return nil
	}
	if err := n.tapes.Start(); err != nil {
		return n.cfg.Errorf("record", "%w", err)
	}
	return nil
}

// Start implements admin.Tapes.
func (t *tapes) Start() error {
	if t.idle {
		return admin.ErrNoGateway
	}
	if err := t.deck.Start(t.cfg); err != nil {
		return err
	}
	t.cfg.Logger.Info("recording", "dir", t.cfg.Dir, "players", t.cfg.Players)
	return nil
}

// Stop implements admin.Tapes.
func (t *tapes) Stop() (tape.Status, error) {
	s, err := t.deck.Stop()
	if err == nil {
		t.cfg.Logger.Info("recorded", "dir", s.Dir, "files", s.Files, "records", s.Records, "bytes", s.Bytes, "dropped", s.Dropped)
	}
	return s, err
}

// Status implements admin.Tapes.
func (t *tapes) Status() tape.Status { return t.deck.Status() }

// closeTapes ends a recording that is under way.
func (n *node) closeTapes() { _, _ = n.tapes.Stop() } // there may be none

// measure shows the recording, or the last one, in the metrics.
func (t *tapes) measure(reg prometheus.Registerer) {
	gauge := func(name, help string, value func(tape.Status) float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "holdfast", Subsystem: "recording", Name: name, Help: help},
			func() float64 { return value(t.Status()) }))
	}
	gauge("on", "1 while what clients send and are sent is recorded.", func(s tape.Status) float64 {
		if s.On {
			return 1
		}
		return 0
	})
	gauge("records", "Records of the current or the last recording.", func(s tape.Status) float64 { return float64(s.Records) })
	gauge("bytes", "Bytes of the current or the last recording.", func(s tape.Status) float64 { return float64(s.Bytes) })
	gauge("dropped", "Records that the current or the last recording has lost because the disk was slow.", func(s tape.Status) float64 { return float64(s.Dropped) })
}
