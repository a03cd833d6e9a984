package replay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/client/clienttest"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func sells(player string, b *clientv1.Buy) *clientv1.ServerFrame { return sell(player, b, 3) }

func hasNote(r *report.Run, part string) bool {
	return strings.Contains(strings.Join(r.Notes, "\n"), part)
}

func failed(r *report.Run, name string) bool {
	for _, c := range r.Checks {
		if c.Name == name {
			return !c.OK
		}
	}
	return false
}

// The index of a tape may be whole, and a block before it not.
func TestReplayTellsOfADamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.tape")
	w, err := tape.Create(file, tape.Header{Started: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var second int64
	for i, rec := range []*tape.Record{opened(0, 1, "ann"), asksFor(t, 1, 1, 57), asksFor(t, 2, 1, 58)} {
		if i == 2 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			second = w.Size()
		}
		if err := w.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := openMarket(t, sells)
	if r := replayed(t, m, Config{Tape: file}); hasNote(r, "Only a part") {
		t.Errorf("got %q of a whole tape", r.Notes)
	}
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bytes[second+50] ^= 0xFF // behind the block's head
	if err := os.WriteFile(file, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	m = openMarket(t, sells)
	if r := replayed(t, m, Config{Tape: file}); !hasNote(r, "Only a part of the tape was replayed") || of(t, r, "buy").Now["sold"] != 1 {
		t.Errorf("got %q and %+v, want one sale, and that this is not all", r.Notes, r.Outcomes)
	}
}

// A cluster that ends in the middle takes its books along. What was seen until
// then is told all the same.
func TestReplayWhoseBooksAreGone(t *testing.T) {
	m := openMarket(t, nil)
	m.answer = func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		if b.GetRequest() == 2 {
			m.gone.Store(true)
		}
		return sell(player, b, 3)
	}
	r := replayed(t, m, Config{Tape: sale(t)})
	if of(t, r, "buy").Now["sold"] != 2 || !failed(r, "the books can be read") {
		t.Errorf("got %+v and %+v, want two sales, and a check that fails", r.Outcomes, r.Checks)
	}
}

// Books add up when nothing happens at all.
func TestReplayThatNobodyAnswers(t *testing.T) {
	m := openMarket(t, func(string, *clientv1.Buy) *clientv1.ServerFrame { return nil })
	r := replayed(t, m, Config{Tape: sale(t), Patience: 200 * time.Millisecond})
	if !failed(r, "requests were answered") {
		t.Errorf("got %+v, want a check that fails", r.Checks)
	}
	// Waiting in vain is not what the generator has to answer for.
	if h, err := r.Delay.Histogram(); err != nil || h.TotalCount() != 2 || time.Duration(h.Max()) > 100*time.Millisecond || r.Limit == "generator" {
		t.Errorf("sent late by up to %v, and the limit is %q: %v", time.Duration(h.Max()), r.Limit, err)
	}
	if refused := replayed(t, openMarket(t, func(string, *clientv1.Buy) *clientv1.ServerFrame {
		return refuse(clientv1.Code_CODE_NOT_FOUND)
	}), Config{Tape: sale(t)}); failed(refused, "requests were answered") {
		t.Errorf("got %+v, want a refusal to be an answer", refused.Checks)
	}
}

func TestReplayWithAnotherSecret(t *testing.T) {
	m := openMarket(t, sells)
	at := m.target()
	at.Secret = "another"
	_, err := Replay(t.Context(), Config{Tape: sale(t), Target: at, Stock: 5})
	if err == nil || !strings.Contains(err.Error(), "does not take tokens that are signed with this secret") || m.put.Load() != 0 {
		t.Errorf("got %v, and %d products on sale, want neither", err, m.put.Load())
	}
	at = m.target()
	at.URL = strings.Replace(at.URL, "ws://", "ws://wrong:", 1)
	if _, err = Replay(t.Context(), Config{Tape: sale(t), Target: at}); err == nil {
		t.Error("got no error for an address that there is not")
	}
}

func TestReplayTellsWhatIsMissing(t *testing.T) {
	m := openMarket(t, func(string, *clientv1.Buy) *clientv1.ServerFrame { return refuse(clientv1.Code_CODE_RATE_LIMITED) })
	file := record(t, opened(0, 1, "ann"), asksFor(t, 1, 1, 57), enters(t, 2, 1, "moor"), enters(t, 3, 1, "plaza"))
	r := replayed(t, m, Config{Tape: file})
	for _, want := range []string{"1 of 1 product on the tape: not on sale", "(sword)", "1 of 2 zones on the tape: not there", "(moor)", "1 requests were more than a gateway takes", "--rate-limit"} {
		if !hasNote(r, want) {
			t.Errorf("got %q, want to hear that %s", r.Notes, want)
		}
	}
	m.onSale = []string{"sword"}
	m.answer = func(string, *clientv1.Buy) *clientv1.ServerFrame {
		return refuse(clientv1.Code_CODE_INSUFFICIENT_FUNDS)
	}
	if r := replayed(t, m, Config{Tape: file}); hasNote(r, "on sale") || !hasNote(r, "--balance gives them money") {
		t.Errorf("got %q, although it is on sale, and nobody can pay", r.Notes)
	}
}

func enters(t *testing.T, at time.Duration, conn uint64, zone string) *tape.Record {
	return &tape.Record{Kind: tape.Received, At: at, Conn: conn, Frame: encoded(t, &clientv1.ClientFrame{
		Seq: uint64(at), Body: &clientv1.ClientFrame_EnterZone{EnterZone: &clientv1.EnterZone{Zone: zone}},
	})}
}

// A zone is as the tape has it; when that does not say it, it has room for all
// places where somebody wants to go.
func TestZonesOfATape(t *testing.T) {
	walks := &tape.Record{Kind: tape.Received, At: 4, Conn: 1, Frame: encoded(t, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Intent{
		Intent: &clientv1.Intent{Zone: "moor", Action: &clientv1.Intent_Walk{Walk: &clientv1.Walk{To: &clientv1.Point{X: 250.5, Y: 7}}}},
	}})}
	entered := isTold(t, 5, 1, 3, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Entered{Entered: &clientv1.Entered{
		Zone: &clientv1.Zone{Name: "plaza", Width: 60, Height: 40, Hz: 20, MaxPlayers: 30},
	}}})
	s, err := look(record(t, opened(0, 1, "ann"), enters(t, 2, 1, "moor"), enters(t, 3, 1, "plaza"), walks, entered), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		scale int
		moor  string
		plaza string
	}{
		{1, `"width":251,"height":100,"max_players":4000`, `"width":60,"height":40,"hz":20,"max_players":30`},
		{2, `"width":251,"height":100,"max_players":4000`, `"width":60,"height":40,"hz":20,"max_players":4000`},
	} {
		m := openMarket(t, nil)
		at := m.target()
		rpc, release := at.Operator()
		defer release()
		r := &run{Config: Config{Scale: tc.scale}, survey: s, rpc: rpc}
		if err := r.openZones(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"moor": tc.moor, "plaza": tc.plaza} {
			got, err := json.Marshal(m.zones[name])
			if err != nil || !strings.Contains(string(got), want) {
				t.Errorf("scale %d: got %s, want %s", tc.scale, got, want)
			}
		}
	}
}

// A connection that was lost is opened again, which is no connection of the tape;
// the next one of the player is.
func TestConnectionsAreCountedOnce(t *testing.T) {
	var drops atomic.Int32
	m := openMarket(t, sells)
	m.server.Close()
	m.server = clienttest.NewServer(func(s *clienttest.Session, f *clientv1.ClientFrame) *clientv1.ServerFrame {
		if drops.Add(1) == 1 {
			s.Drop()
			return nil
		}
		return sell(s.Player, f.GetBuy(), 3)
	})
	m.server.Welcome = func(w *clientv1.Welcome) { w.NextRequest = 1 }
	bought := func(request uint64) *clientv1.ServerFrame {
		return sell("ann", &clientv1.Buy{Request: request, Sku: "sword", Quantity: 1}, 3)
	}
	r := replayed(t, m, Config{Tape: record(t, opened(0, 1, "ann"),
		asksFor(t, 1, 1, 57), isTold(t, 2, 1, 57, bought(57)),
		asksFor(t, 3, 1, 58), isTold(t, 4, 1, 58, bought(58)),
		&tape.Record{Kind: tape.Closed, At: 5, Conn: 1},
		opened(6, 2, "ann"), asksFor(t, 7, 2, 59), isTold(t, 8, 2, 59, bought(59)))})
	if o := of(t, r, "connect"); o.Now["welcomed"] != 2 || o.Then["welcomed"] != 2 {
		t.Errorf("got %+v, want two connections then and now", o)
	}
	if o := of(t, r, "buy"); o.Now["disconnected"] != 1 || o.Now["sold"] != 2 || !hasNote(r, "1 connections were opened again") {
		t.Errorf("got %+v and %q, want one request lost, and one connection opened again", o, r.Notes)
	}
}

// What workers say comes a little after the moment that it is about.
func TestSecondsOfAReplay(t *testing.T) {
	r := &run{Config: Config{Scale: 1}, survey: &survey{requests: 10}, started: time.Now(), latency: newTally().now.latency}
	b := newBoard(r)
	defer b.close()
	w := new(crewMate)
	for _, at := range []time.Duration{250, 501, 752, 1003, 1250, 1500, 1751, 2004} {
		if err := b.add(w, &went{At: at * time.Millisecond, Sent: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.seconds) != 2 || r.seconds[0].sent != 4 || r.seconds[1].sent != 4 {
		t.Errorf("got %+v, want four in each of two seconds", r.seconds)
	}
	for range 4 {
		if got := b.tick(r.started.Add(2 * time.Second)); got.PerSecond != 4 {
			t.Errorf("got %g/s, want 8 in 2 s", got.PerSecond)
		}
	}
	if got := b.tick(r.started.Add(3 * time.Second)); got.PerSecond != 0 {
		t.Errorf("got %g/s after a second without any", got.PerSecond)
	}
}

// A worker that ends is told of, with what it had to say, and the others are not
// waited for.
func TestAWorkerThatEnds(t *testing.T) {
	r := new(run)
	for _, script := range []string{"cat >&2", "echo broken >&2; exit 3"} {
		w := &crewMate{number: len(r.crew), cmd: exec.Command("sh", "-c", script)}
		w.cmd.Stderr = &w.output
		in, err1 := w.cmd.StdinPipe()
		out, err2 := w.cmd.StdoutPipe()
		if err := errors.Join(err1, err2, w.cmd.Start()); err != nil {
			t.Fatal(err)
		}
		w.tell, w.input, w.hear = json.NewEncoder(in), in, json.NewDecoder(out)
		r.crew = append(r.crew, w)
	}
	err := r.each(func(w *crewMate) error {
		_, err := w.next()
		return err
	})
	if !errors.Is(err, errSilent) || !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "worker 1: ") || !strings.Contains(err.Error(), "exit status 3): broken") {
		t.Errorf("got %v, want what the second has said", err)
	}
	if err := r.dismiss(); err != nil {
		t.Error(err)
	}
}

// What cannot work is told before anything is begun.
func TestCommandThatCannotBegin(t *testing.T) {
	file := sale(t)
	for args, want := range map[string]string{
		file + " --speed 0":                       "--speed: 0, must be positive",
		file + " --scale 0":                       "--scale: 0, must be positive",
		file + " --speed 2000000":                 "Speed: 2e+06 is not in 0 to 1,000,000",
		file + " --report " + file + "/no/a.html": "--report: ",
		file + " --secret-file /nowhere/secret":   "read secret: ",
		"/nowhere/a.tape":                         "open tape: ",
		os.Args[0]:                                "this is no tape",
	} {
		c := Command("test")
		if err := c.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if err := c.PreRunE(c, c.Flags().Args()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}

func (m *market) PutProduct(context.Context, *connect.Request[adminv1.PutProductRequest]) (*connect.Response[adminv1.PutProductResponse], error) {
	m.put.Add(1)
	return connect.NewResponse(new(adminv1.PutProductResponse)), nil
}

func (m *market) PutZone(_ context.Context, r *connect.Request[adminv1.PutZoneRequest]) (*connect.Response[adminv1.PutZoneResponse], error) {
	z := r.Msg.GetSpec().GetZone()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.zones[z.GetName()] = z
	return connect.NewResponse(new(adminv1.PutZoneResponse)), nil
}

// ListZones has one, whatever was put.
func (m *market) ListZones(context.Context, *connect.Request[adminv1.ListZonesRequest]) (*connect.Response[adminv1.ListZonesResponse], error) {
	return connect.NewResponse(&adminv1.ListZonesResponse{Zones: []*adminv1.ZoneRow{
		{Spec: &clusterv1.ZoneSpec{Zone: &clientv1.Zone{Name: "plaza"}}},
	}}), nil
}
