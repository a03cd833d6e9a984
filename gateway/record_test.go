package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// fakeRecorder remembers what it is told.
type fakeRecorder struct {
	off bool

	mu    sync.Mutex
	lines []string
	sizes map[string]int // by line
}

func (r *fakeRecorder) On() bool { return !r.off }

func (r *fakeRecorder) tell(size int, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	r.lines = append(r.lines, line)
	if r.sizes == nil {
		r.sizes = make(map[string]int)
	}
	r.sizes[line] = size
}

func (r *fakeRecorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *fakeRecorder) has(prefix string) bool {
	return slices.ContainsFunc(r.told(), func(l string) bool { return strings.HasPrefix(l, prefix) })
}

func (r *fakeRecorder) Opened(conn uint64, player string, _ time.Time) {
	r.tell(0, "opened %d %s", conn, player)
}

func (r *fakeRecorder) Closed(conn uint64, _ time.Time) { r.tell(0, "closed %d", conn) }

func (r *fakeRecorder) Received(conn uint64, frame []byte, size int, _ time.Time) {
	f := new(clientv1.ClientFrame)
	err := proto.Unmarshal(frame, f)
	r.tell(size, "received %d %T %d %v", conn, f.GetBody(), f.GetSeq(), err)
}

func (r *fakeRecorder) Sent(conn uint64, frame []byte, size int, _ time.Time) {
	f := new(clientv1.ServerFrame)
	err := proto.Unmarshal(frame, f)
	r.tell(size, "sent %d %T %d %v", conn, f.GetBody(), f.GetSeq(), err)
}

func (r *fakeRecorder) Shown(stream uint32, frame []byte, viewers int, _ time.Time) {
	f := new(clientv1.ServerFrame)
	err := proto.Unmarshal(frame, f)
	r.tell(0, "shown %d %T to %d %v", f.GetWorld().GetStream()+f.GetWorldKey().GetStream()-stream, f.GetBody(), viewers, err)
}

// A recorder is told the same of all clients, whatever they speak.
func TestRecorder(t *testing.T) {
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			rec := new(fakeRecorder)
			h := open(t, func(_ *gateway.Config, h *house) { h.recorder = rec })
			h.connect(t, sub).hello("forged") // nobody, who is not recorded
			c := h.greeted(t, sub, "ann")
			c.ask(ping(2))
			c.ask(buy(3, 1, "sword", 1))
			c.ask(buy(4, 2, "sword", -1))
			c.ask(watch(5, "sword"))
			_ = c.ws.Close()
			eventually(t, func() bool { return rec.has("closed 2") })
			want := []string{
				"opened 2 ann",
				"received 2 *clientv1.ClientFrame_Hello 1 <nil>", "sent 2 *clientv1.ServerFrame_Welcome 1 <nil>",
				"received 2 *clientv1.ClientFrame_Ping 2 <nil>", "sent 2 *clientv1.ServerFrame_Pong 2 <nil>",
				"received 2 *clientv1.ClientFrame_Buy 3 <nil>", "sent 2 *clientv1.ServerFrame_Bought 3 <nil>",
				"received 2 *clientv1.ClientFrame_Buy 4 <nil>", "sent 2 *clientv1.ServerFrame_Error 4 <nil>",
				"received 2 *clientv1.ClientFrame_Watch 5 <nil>", "sent 2 *clientv1.ServerFrame_Watching 5 <nil>",
				"closed 2",
			}
			if got := rec.told(); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for line, size := range rec.sizes {
				if json := sub == gateway.SubprotocolJSON; strings.Contains(line, "_Buy 3") && (size > 30) != json || strings.Contains(line, "sent") && size == 0 {
					t.Errorf("%s: %d bytes", line, size)
				}
			}
		})
	}
}

// What is shown to many is told once, with how many they are.
func TestRecorderOfTheWorld(t *testing.T) {
	rec := new(fakeRecorder)
	h := open(t, func(_ *gateway.Config, h *house) { h.recorder = rec })
	z := zoneIn(t, h, 0)
	z.frame(0, entity{1, 500, 500})
	var all []*sight
	for i, player := range []string{"ann", "bob", "cid"} {
		s, _ := h.greeted(t, subprotocols[i%2], player).enter(true, nil)
		s.await(entity{1, 500, 500})
		all = append(all, s)
	}
	large := crowdOf(500, 1)
	for _, what := range [][]entity{{{1, 501, 500}}, large, {{2, 9, 9}}} {
		z.show(0, what...)
		for _, s := range all {
			s.await(what[0])
		}
	}
	eventually(t, func() bool { return len(slices.DeleteFunc(rec.told(), notShown)) >= 6 })
	want := append(slices.Repeat([]string{"shown 0 *clientv1.ServerFrame_WorldKey to 1 <nil>"}, 3),
		slices.Repeat([]string{"shown 0 *clientv1.ServerFrame_World to 3 <nil>"}, 3)...)
	if got := slices.DeleteFunc(rec.told(), notShown); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func notShown(line string) bool { return !strings.HasPrefix(line, "shown") }

// While nothing is recorded, who comes and goes is told all the same: a recording
// may begin at any time.
func TestRecorderThatIsOff(t *testing.T) {
	rec := &fakeRecorder{off: true}
	h := open(t, func(_ *gateway.Config, h *house) { h.recorder = rec })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	c.ask(ping(2))
	_ = c.ws.Close()
	eventually(t, func() bool { return rec.has("closed") })
	if got, want := rec.told(), []string{"opened 1 ann", "closed 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
