package gateway_test

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
)

// counted counts the writes that reach the socket.
type counted struct {
	*net.TCPConn
	writes *atomic.Int64
	// gate holds writes up while it is locked by the test.
	gate chan struct{}
}

func (c counted) Write(p []byte) (int, error) {
	c.gate <- struct{}{}
	defer func() { <-c.gate }()
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// Answers that come while the writer is busy go out with one system call.
func TestCoalescing(t *testing.T) {
	for _, sub := range subprotocols {
		t.Run(sub, func(t *testing.T) {
			var writes atomic.Int64
			gate := make(chan struct{}, 1)
			h := open(t, func(_ *gateway.Config, h *house) {
				h.wrap = func(c *net.TCPConn) net.Conn { return counted{c, &writes, gate} }
			})
			c := h.greeted(t, sub, "ann")
			h.router.answer = func(*cluster.Command) *cluster.Answer { return nil }
			const n = 64 // as many as may be in flight
			for i := range uint64(n) {
				c.send(buy(i+2, i+7, "sword", 1))
			}
			for range n {
				<-h.router.asked
			}
			gate <- struct{}{} // the writer hangs in its first write
			before := writes.Load()
			h.router.answerAll(func(cmd *cluster.Command) *cluster.Answer { return &cluster.Answer{Body: bought(cmd)} })
			<-gate
			for range n {
				if f := c.receive(); f.GetBought() == nil {
					t.Fatal(f)
				}
			}
			// One for what the writer had taken when it hung, one for all the rest.
			if got := writes.Load() - before; got > 2 {
				t.Errorf("%d frames took %d writes, want at most 2", n, got)
			} else {
				t.Logf("%d frames took %d writes", n, got)
			}
			if h.count(t, "flushes_total", "") >= h.count(t, "frames_out_total", "") {
				t.Error("the metrics do not show it")
			}
		})
	}
}
