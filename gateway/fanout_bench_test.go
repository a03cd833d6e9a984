//go:build unix

package gateway_test

import (
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/gateway"
)

const (
	benchViewers  = 1000
	benchEntities = 200
	benchTick     = 50 * time.Millisecond
)

// walkers move at random through the plaza.
type walkers struct {
	rng *rand.Rand
	at  []struct{ x, y, dir float64 }
}

func newWalkers() *walkers {
	w := &walkers{rng: rand.New(rand.NewPCG(1, 2)), at: make([]struct{ x, y, dir float64 }, benchEntities)}
	for i := range w.at {
		w.at[i].x, w.at[i].y, w.at[i].dir = w.rng.Float64()*10000, w.rng.Float64()*10000, w.rng.Float64()*2*math.Pi
	}
	return w
}

func (w *walkers) step() []entity {
	all := make([]entity, len(w.at))
	for i := range w.at {
		a := &w.at[i]
		if w.rng.IntN(60) == 0 {
			a.dir = w.rng.Float64() * 2 * math.Pi
		}
		a.x = min(max(a.x+20*math.Cos(a.dir), 0), 10000)
		a.y = min(max(a.y+20*math.Sin(a.dir), 0), 10000)
		all[i] = entity{uint32(i + 1), uint32(a.x), uint32(a.y)}
	}
	return all
}

// BenchmarkFanOut shows 20 ticks a second to a thousand viewers in another
// process; an operation is a tick. What counts is the processor time of this
// process for one frame to one viewer, and how long after the tick the last one
// is written. bare is a broadcast of the whole state in one prepared message, by
// gorilla/websocket alone.
func BenchmarkFanOut(b *testing.B) {
	b.Run("gateway", func(b *testing.B) {
		h := open(b, nil)
		z := zoneIn(b, h, 0)
		z.frame(0, newWalkers().step()...)
		end := startCrowd(b, h.url(), token(b, "ann"), "plaza", benchViewers)
		defer end()
		eventually(b, func() bool { return h.figures.WorldFrames() == benchViewers })
		w := newWalkers()
		written := float64(benchViewers)
		ticks(b, func() {
			z.show(0, w.step()...)
			written += benchViewers
		}, func() bool { return h.figures.WorldFrames() >= written })
		b.ReportMetric(h.count(b, "conflated_total", ""), "conflated")
	})
	b.Run("bare", func(b *testing.B) {
		var mu sync.Mutex
		var conns []*websocket.Conn
		up := websocket.Upgrader{Subprotocols: []string{gateway.SubprotocolProto}}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := up.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, ws)
			mu.Unlock()
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
			}
		}))
		defer srv.Close()
		end := startCrowd(b, "ws"+strings.TrimPrefix(srv.URL, "http"), "-", "-", benchViewers)
		defer end()
		w := newWalkers()
		ticks(b, func() {
			m, err := websocket.NewPreparedMessage(websocket.BinaryMessage, snapshot(w.step()))
			if err != nil {
				b.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, ws := range conns {
				if err := ws.WritePreparedMessage(m); err != nil {
					b.Fatal(err)
				}
			}
		}, func() bool { return true })
	})
}

// ticks calls tick 20 times a second, waits until it is done, and reports.
func ticks(b *testing.B, tick func(), done func() bool) {
	clock := time.NewTicker(benchTick)
	defer clock.Stop()
	var last time.Duration
	b.ResetTimer()
	before := processorTime(b)
	for range b.N {
		<-clock.C
		began := time.Now()
		tick()
		for !done() {
			<-time.After(500 * time.Microsecond)
		}
		last += time.Since(began)
	}
	used := processorTime(b) - before
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/benchViewers, "cpu-ns/viewer-frame")
	b.ReportMetric(100*used.Seconds()/b.Elapsed().Seconds(), "%cpu")
	b.ReportMetric(float64(last.Microseconds())/float64(b.N)/1000, "last-ms")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// snapshot is the whole state as protobuf has it.
func snapshot(all []entity) []byte {
	var b, one []byte
	for _, e := range all {
		one = one[:0]
		for i, v := range []uint32{e.id, e.x, e.y, 0, 1000, 1} {
			one = protowire.AppendTag(one, protowire.Number(i+1), protowire.VarintType)
			one = protowire.AppendVarint(one, uint64(v))
		}
		b = protowire.AppendTag(b, 1, protowire.BytesType)
		b = protowire.AppendBytes(b, one)
	}
	return b
}
