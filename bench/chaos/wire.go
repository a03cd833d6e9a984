package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	name             string
	server           *toxiproxy.ApiServer
	listen, upstream string

	mu     sync.Mutex
	proxy  *toxiproxy.Proxy // guarded by mu, as the next
	active []toxic
}

// toxic is what a fault does to one direction of a wire.
type toxic struct {
	fault string
	text  string // as toxiproxy reads it
}

// wires makes proxies. They live in this process.
type wires struct {
	server *toxiproxy.ApiServer
	all    []*wire
}

func newWires() *wires {
	return &wires{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

// to returns a wire that leads from listen, a reserved address, to another.
func (w *wires) to(name, listen, upstream string) (*wire, error) {
	x := &wire{name: name, server: w.server, listen: listen, upstream: upstream}
	if err := x.open(); err != nil {
		return nil, err
	}
	w.all = append(w.all, x)
	return x, nil
}

func (w *wires) close() {
	for _, x := range w.all {
		x.mu.Lock()
		x.proxy.Stop()
		x.mu.Unlock()
	}
}

func (x *wire) address() string { return x.listen }

// open makes the proxy, with all that is active.
func (x *wire) open() error {
	x.proxy = toxiproxy.NewProxy(x.server, x.name, x.listen, x.upstream)
	for _, t := range x.active {
		if err := addToxic(x.proxy, t); err != nil {
			return fmt.Errorf("change wire %s: %w", x.name, err)
		}
	}
	if err := x.proxy.Start(); err != nil {
		return fmt.Errorf("start proxy %s: %w", x.name, err)
	}
	return nil
}

func addToxic(p *toxiproxy.Proxy, t toxic) error {
	_, err := p.Toxics.AddToxicJson(strings.NewReader(t.text))
	return err
}

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

// add puts a fault on the wire; name tells it from others, and is what heal takes.
func (x *wire) add(name string, d direction, kind string, attributes map[string]int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range d.streams() {
		text, err := json.Marshal(map[string]any{
			"name": toxicName(name, s), "type": kind, "stream": s, "attributes": attributes,
		})
		if err != nil {
			return fmt.Errorf("change wire %s: %w", x.name, err)
		}
		t := toxic{name, string(text)}
		x.active = append(x.active, t)
		if err := x.change(func(p *toxiproxy.Proxy) error { return addToxic(p, t) }); err != nil {
			return err
		}
	}
	return nil
}

func toxicName(fault string, d direction) string { return fault + "-" + string(d) }

// heal takes a fault off the wire. Connections that lost bytes are closed.
func (x *wire) heal(name string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.active = slices.DeleteFunc(x.active, func(t toxic) bool { return t.fault == name })
	return x.change(func(p *toxiproxy.Proxy) error {
		for _, s := range both.streams() {
			// There may be none: a fault of one direction has one toxic.
			_ = p.Toxics.RemoveToxic(context.Background(), toxicName(name, s))
		}
		return nil
	})
}

// toxicPatience bounds the change of a proxy. It waits for each connection's
// goroutines, and those for whoever does not read, such as a process that is
// stopped.
const toxicPatience = time.Second

// change changes the proxy, and when that takes too long closes it with all its
// connections and makes another. A proxy that is held up so may never get free;
// its goroutines are lost.
func (x *wire) change(do func(*toxiproxy.Proxy) error) error {
	done := make(chan error, 1)
	old := x.proxy
	go func() { done <- do(old) }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("change wire %s: %w", x.name, err)
		}
		return nil
	case <-time.After(toxicPatience):
		old.Stop()
		return x.open()
	}
}
