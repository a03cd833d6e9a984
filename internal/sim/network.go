package sim

import (
	"math"
	"time"
)

// endpoint is a place that messages come from and go to: a node, by its index,
// or one of those that come after them.
type endpoint int

// Servers and clients, behind the nodes.
func (w *World) etcdAt() endpoint    { return endpoint(len(w.nodes)) }
func (w *World) logsAt() endpoint    { return endpoint(len(w.nodes) + 1) }
func (w *World) endpoints() endpoint { return endpoint(len(w.nodes) + 2 + gateways) }

// gateways is how many ways clients have in. Their views may differ.
const gateways = 2

func (w *World) gatewayAt(i int) endpoint { return endpoint(len(w.nodes) + 2 + i) }

// network loses, delays and doubles what it carries.
type network struct {
	// cut[a][b] is until when nothing gets from a to b.
	cut [][]time.Duration
}

func newNetwork(n endpoint) network {
	net := network{cut: make([][]time.Duration, n)}
	for i := range net.cut {
		net.cut[i] = make([]time.Duration, n)
	}
	return net
}

// send carries a message; fn is its arrival. It happens in the process that it
// is for, in whichever life that has then.
func (w *World) send(from, to endpoint, fn func()) {
	w.carry(from, to, fn)
	if w.chance(w.weather.double) {
		w.carry(from, to, fn)
	}
}

func (w *World) carry(from, to endpoint, fn func()) {
	if w.chance(w.weather.lose) && from != to {
		return
	}
	delay := w.latency()
	if healed := w.net.cut[from][to]; healed > w.now {
		// What was sent into a broken connection may still be in a buffer that
		// gets through in the end.
		if w.rnd.IntN(100) < 80 {
			return
		}
		delay += healed - w.now
	}
	var on *process
	if int(to) < len(w.nodes) {
		on = w.nodes[to]
	}
	w.order++
	w.queue.push(event{at: w.now + delay, order: w.order, fn: fn, on: on})
}

// latency is mostly short, and sometimes very long.
func (w *World) latency() time.Duration {
	mean := float64(w.weather.latency)
	if w.chance(w.weather.crawl) {
		mean = float64(w.weather.crawling)
	}
	return time.Duration(mean * -math.Log(1-w.rnd.Float64()))
}

// ask has a fiber ask a server something and wait for the answer; false when
// none came in time. serve runs when the question arrives, perhaps more than
// once, and answers by calling reply.
func (l *life) ask(to endpoint, patience time.Duration, serve func(reply func(any))) (answer any, ok bool) {
	w := l.w
	w.block(func(wake func()) {
		done := false
		t := l.timer(max(patience, 0), func() { done = true; wake() })
		w.send(l.p.at, to, func() {
			serve(func(a any) {
				w.send(to, l.p.at, func() {
					if !done {
						done, answer, ok = true, a, true
						t.stop()
						wake()
					}
				})
			})
		})
	})
	return answer, ok
}
