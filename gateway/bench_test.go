package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
)

// BenchmarkBuy is a closed loop of purchases over real connections, against a
// router that answers from another goroutine, as a real one does. Client and
// gateway share the machine.
func BenchmarkBuy(b *testing.B) {
	for _, bc := range []struct {
		name     string
		conns    int
		inFlight int
	}{
		{"conns=64", 64, 1},
		{"conns=512", 512, 1},
		{"conns=64/inflight=16", 64, 16},
	} {
		b.Run(bc.name, func(b *testing.B) {
			h := open(b, nil)
			h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
				if cmd.Method == "Buy" {
					return nil
				}
				return answerAtOnce(cmd)
			}
			h.router.asked = make(chan *cluster.Command, bc.conns*bc.inFlight)
			stop := make(chan struct{})
			var answering sync.WaitGroup
			answering.Go(func() {
				for {
					select {
					case <-h.router.asked:
						h.router.answerAll(func(cmd *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: bought(cmd)} })
					case <-stop:
						return
					}
				}
			})
			clients := make([]*wsClient, bc.conns)
			for i := range clients {
				clients[i] = h.greeted(b, gateway.SubprotocolProto, "ann")
			}
			frame, err := proto.Marshal(buy(2, 7, "sword", 1))
			if err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for _, c := range clients {
				wg.Go(func() { closedLoop(b, c, frame, bc.inFlight, &left) })
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "buys/s")
			close(stop)
			answering.Wait()
		})
	}
}

// closedLoop keeps inFlight frames under way until none are left.
func closedLoop(b *testing.B, c *wsClient, frame []byte, inFlight int, left *atomic.Int64) {
	send := func() bool {
		if left.Add(-1) < 0 {
			return false
		}
		if err := c.ws.WriteMessage(websocket.BinaryMessage, frame); err != nil {
			b.Error(err)
			return false
		}
		return true
	}
	waiting := 0
	for waiting < inFlight && send() {
		waiting++
	}
	buf := make([]byte, 512)
	for waiting > 0 {
		_, r, err := c.ws.NextReader()
		if err != nil {
			b.Error(err)
			return
		}
		if _, err := r.Read(buf); err != nil {
			b.Error(err)
			return
		}
		waiting--
		if send() {
			waiting++
		}
	}
}

// BenchmarkEcho is the most that the machine gives just now: gorilla/websocket
// echoing the same frame over as many connections.
func BenchmarkEcho(b *testing.B) {
	var up websocket.Upgrader
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			kind, data, err := ws.ReadMessage()
			if err != nil || ws.WriteMessage(kind, data) != nil {
				return
			}
		}
	}))
	defer srv.Close()
	clients := make([]*wsClient, 512)
	for i := range clients {
		ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			b.Fatal(err)
		}
		defer ws.Close()
		clients[i] = &wsClient{t: b, ws: ws}
	}
	frame, err := proto.Marshal(buy(2, 7, "sword", 1))
	if err != nil {
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() { closedLoop(b, c, frame, 1, &left) })
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "echoes/s")
}
