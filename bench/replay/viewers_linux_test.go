package replay

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/bench/tape/synth"
	"github.com/holdfast-game/holdfast/client/clienttest"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// evening is a tape of a minute, made up: some walk in a zone, others buy.
func evening(t *testing.T) string {
	t.Helper()
	text, err := synth.Profile("mixed")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := synth.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	spec.Products.Count = 10
	spec.Scale(200, time.Minute)
	file := filepath.Join(t.TempDir(), "evening.tape")
	w, err := tape.Create(file, spec.Header())
	if err != nil {
		t.Fatal(err)
	}
	if err := synth.Synthesise(spec, w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// maxViewing is the memory of a worker with a hundred viewers or so, in bytes: what
// they are shown is let go at once.
const maxViewing = 120 << 20

// A worker that does not read for a while is left out frames of the world, and then
// shown it anew: its players' requests are answered all the same.
func TestEveningWithViewers(t *testing.T) {
	zones := filepath.Join(t.TempDir(), "zones.yaml")
	if err := os.WriteFile(zones, []byte("dawn: {width: 400, height: 400, bots: 300}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, "--start-balance", "gold=1000000", "--zones", zones)
	r := &run{
		Config:  Config{Tape: evening(t), Target: n.Target, Speed: 10, Scale: 2, Stock: 1000, Workers: 1, Executable: []string{filepath.Join(program.dir, "holdfast")}}.withDefaults(),
		latency: figures.NewHistogram(), delay: figures.NewHistogram(), ledger: newLedger(),
	}
	r.Progress = &stopper{t: t, run: r, from: 4 * time.Second, length: time.Second}
	var err error
	if r.survey, err = look(r.Tape, r.Speed); err != nil {
		t.Fatal(err)
	}
	rpc, release := n.Operator()
	defer release()
	r.rpc = rpc
	out, err := r.replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.survey.viewers == 0 || r.counts.events < int64(20*r.survey.viewers) {
		t.Errorf("got %d frames for %d viewers, want them to see the world", r.counts.events, r.survey.viewers)
	}
	for _, o := range out.Outcomes {
		for outcome, n := range o.Now {
			if strings.HasPrefix(outcome, "no ") || strings.HasPrefix(outcome, "not ") || outcome == "disconnected" {
				t.Errorf("%s: got %d times %q, want every request answered", o.Kind, n, outcome)
			}
		}
	}
	if r.counts.lost.Count > 0 || r.counts.sent != 2*r.survey.requests || !allHold(out.Checks) {
		t.Errorf("got %+v and %+v, want no connection lost and books that hold", r.counts, out.Checks)
	}
	used := r.crew[0].cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%s: %d viewers, %d frames, %d requests; the worker had %d MiB", r.took, 2*r.survey.viewers, r.counts.events, r.counts.sent, used.Maxrss>>10)
	if used.Maxrss<<10 > maxViewing {
		t.Errorf("got %d KiB for the worker, want %d at most", used.Maxrss, maxViewing>>10)
	}
}

// What nobody asked for comes between the answers, in whatever order and size, with
// frames and keyframes left out: it changes nothing.
func TestFramesThatAreMissing(t *testing.T) {
	var n atomic.Uint64
	m := openMarket(t, nil)
	m.server.Close()
	m.server = clienttest.NewServer(func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		for _, world := range []*clientv1.ServerFrame{
			{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: uint32(n.Add(7)), Frame: []byte("not a frame")}}},
			{Body: &clientv1.ServerFrame_WorldKey{WorldKey: &clientv1.WorldKey{Stream: uint32(n.Add(3)), Frame: make([]byte, 300<<10)}}},
			{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{1, 2, 3}}}},
		} {
			if s.Send(world) != nil {
				return nil
			}
		}
		return sell(s.Player, f.GetBuy(), 3)
	})
	m.server.Welcome = func(w *clientv1.Welcome) { w.NextRequest = 1 }
	r := replayed(t, m, Config{Tape: sale(t), Scale: 20})
	if o := of(t, r, "buy"); o.Now["sold"] != 40 || o.Differ != 0 {
		t.Errorf("got %+v, want every purchase answered as it was", o)
	}
}
