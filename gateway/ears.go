package gateway

import (
	"log/slog"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// channelOf is a channel's name as clients write it.
func channelOf(kind, name string) string { return kind + "/" + name }

// ears hear what is said in channels, and who comes and goes, once for all
// sessions that listen.
type ears struct {
	bus  Subscriber
	log  *slog.Logger
	open prometheus.Gauge

	mu       sync.Mutex
	channels map[string]*channel // those with a listener
}

// channel is a zone's or a group's.
type channel struct {
	name, kind, id string

	// Guarded by ears.mu.
	unsubscribe []func()

	mu        sync.Mutex
	listeners map[*session]struct{}
}

// listen adds a session to a channel, once.
func (e *ears) listen(name string, s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.channels[name]
	if c == nil {
		kind, id, _ := strings.Cut(name, "/")
		c = &channel{name: name, kind: kind, id: id, listeners: make(map[*session]struct{})}
		e.channels[name] = c
		e.open.Inc()
	}
	c.mu.Lock()
	c.listeners[s] = struct{}{}
	c.mu.Unlock()
	if c.unsubscribe == nil {
		e.subscribe(c)
	}
}

// subscribe listens to both topics of a channel, or to none: the next listener
// has it tried again. The caller holds mu.
func (e *ears) subscribe(c *channel) {
	for topic, hear := range map[string]func([]byte){
		"chat." + c.kind + "." + c.id: func(b []byte) { e.hearChat(c, b) },
		c.kind + "." + c.id + ".who":  func(b []byte) { e.hearPresence(c, b) },
	} {
		unsubscribe, err := e.bus.Subscribe(topic, hear)
		if err != nil {
			e.log.Warn("subscribe to channel", "topic", topic, "error", err)
			c.silence()
			return
		}
		c.unsubscribe = append(c.unsubscribe, unsubscribe)
	}
}

// silence ends the subscriptions. The caller holds ears.mu.
func (c *channel) silence() {
	for _, unsubscribe := range c.unsubscribe {
		unsubscribe()
	}
	c.unsubscribe = nil
}

// unlisten takes a session away, and closes the channel after the last.
func (e *ears) unlisten(name string, s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.channels[name]
	if c == nil {
		return
	}
	c.mu.Lock()
	delete(c.listeners, s)
	last := len(c.listeners) == 0
	c.mu.Unlock()
	if last {
		delete(e.channels, name)
		e.open.Dec()
		c.silence()
	}
}

func (e *ears) hearChat(c *channel, body []byte) {
	m := new(clientv1.ChatLine)
	if err := proto.Unmarshal(body, m); err != nil {
		e.log.Error("decode line of chat", "channel", c.name, "error", err)
		return
	}
	e.spread(c, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Chat{Chat: m}})
}

func (e *ears) hearPresence(c *channel, body []byte) {
	m := new(clientv1.Presence)
	if err := proto.Unmarshal(body, m); err != nil {
		e.log.Error("decode presence", "channel", c.name, "error", err)
		return
	}
	listeners := e.spread(c, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Presence{Presence: m}})
	if c.kind != kindZone || len(m.GetLeft()) == 0 {
		return
	}
	left := make(map[string]uint32, len(m.GetLeft()))
	for _, p := range m.GetLeft() {
		left[p.GetPlayer()] = p.GetEntity()
	}
	for _, s := range listeners {
		if entity := left[s.player]; entity != 0 {
			s.stays.heardLeft(c.id, entity)
		}
	}
}

// spread tells all listeners, and returns who they are.
func (e *ears) spread(c *channel, f *clientv1.ServerFrame) []*session {
	ev, err := newEvent(f)
	if err != nil {
		e.log.Error("encode event", "channel", c.name, "error", err)
		return nil
	}
	c.mu.Lock()
	all := make([]*session, 0, len(c.listeners))
	for s := range c.listeners {
		all = append(all, s)
	}
	c.mu.Unlock()
	for _, s := range all {
		s.tell(ev)
	}
	return all
}
