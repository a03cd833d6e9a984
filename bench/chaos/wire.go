package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// direction says which way through a wire a fault works.
type direction string

const (
	// up is from whoever dialled to whoever was dialled: requests.
	up direction = "upstream"
	// down is the way back: replies.
	down direction = "downstream"
	both direction = "both"
)

func (d direction) streams() []direction {
	if d == both {
		return []direction{up, down}
	}
	return []direction{d}
}

// wire is a proxy between somebody who dials and an address that is dialled.
type wire struct {
	name  string
	proxy *toxiproxy.Proxy
}

// wires makes proxies. They live in this process.
type wires struct {
	server *toxiproxy.ApiServer
	all    []*wire
}

func newWires() *wires {
	return &wires{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

// to returns a wire that leads from listen, which may be reserved, to an address.
func (w *wires) to(name, listen, upstream string) (*wire, error) {
	x := &wire{name: name, proxy: toxiproxy.NewProxy(w.server, name, listen, upstream)}
	if err := x.proxy.Start(); err != nil {
		return nil, fmt.Errorf("start proxy %s: %w", name, err)
	}
	w.all = append(w.all, x)
	return x, nil
}

func (w *wires) close() {
	for _, x := range w.all {
		x.proxy.Stop()
	}
}

func (x *wire) address() string { return x.proxy.Listen }

// cut swallows what is sent in a direction; connections stay, and new ones are
// accepted.
func (x *wire) cut(name string, d direction) error {
	return x.add(name, d, "timeout", map[string]int64{"timeout": 0})
}

// slow delays everything, each way.
func (x *wire) slow(name string, latency, jitter time.Duration) error {
	return x.add(name, both, "latency", map[string]int64{"latency": latency.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// dropReplies lets requests through, swallows the replies and resets the
// connection a little later.
func (x *wire) dropReplies(name string, after time.Duration) error {
	return x.add(name, down, "reset_peer", map[string]int64{"timeout": after.Milliseconds()})
}

// toxicPatience bounds the change of a wire. It waits for each connection's
// goroutines, and those for whoever does not read: a process that is stopped.
const toxicPatience = time.Second

// add puts a toxic on the wire; name tells it from those of other faults, and
// is what heal takes.
func (x *wire) add(name string, d direction, kind string, attributes map[string]int64) error {
	for _, s := range d.streams() {
		text, err := json.Marshal(map[string]any{
			"name": name + "-" + string(s), "type": kind, "stream": s, "attributes": attributes,
		})
		if err != nil {
			return fmt.Errorf("cut %s: %w", x.name, err)
		}
		x.change(func() {
			_, err = x.proxy.Toxics.AddToxicJson(io.NopCloser(strings.NewReader(string(text))))
		})
		if err != nil {
			return fmt.Errorf("change wire %s: %w", x.name, err)
		}
	}
	return nil
}

// heal takes a fault off the wire. Connections that lost bytes are closed.
func (x *wire) heal(name string) {
	for _, s := range both.streams() {
		x.change(func() {
			// There may be none: a fault of one direction has one toxic.
			_ = x.proxy.Toxics.RemoveToxic(context.Background(), name+"-"+string(s))
		})
	}
}

// change does what may wait for connections, and closes them all if it does so
// for too long.
func (x *wire) change(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(toxicPatience):
		x.proxy.Stop()
		<-done
		_ = x.proxy.Start() // the address is reserved
	}
}
