package broadcast

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	// prefix begins every subject of this package.
	prefix = "holdfast"

	// What waits for one slow handler. Broadcasts are small and each replaces the
	// one before, so a handler that is a thousand behind gains nothing from the
	// rest: they are dropped and counted.
	maxPendingMessages = 1_024
	maxPendingBytes    = 8 << 20

	// maxTopicBytes keeps subjects printable in logs.
	maxTopicBytes = 255
)

// ErrTopic is returned for a topic that cannot be a subject: empty, too long, or
// with empty words, spaces, control characters, "*" or ">".
var ErrTopic = errors.New("not a topic")

// Bus publishes and subscribes on behalf of one cluster.
type Bus struct {
	nc      *nats.Conn
	base    string
	metrics *Metrics
}

// New returns a bus over nc, which stays the caller's to close. clusterID must
// be one word that could be a topic.
func New(nc *nats.Conn, clusterID string) *Bus {
	return &Bus{nc: nc, base: prefix + "." + clusterID + ".cast.", metrics: NewMetrics(nil)}
}

// WithMetrics makes b count into m. To be called before its first use.
func (b *Bus) WithMetrics(m *Metrics) *Bus {
	b.metrics = m
	return b
}

// Publish sends body to whoever is subscribed to topic now. It does not wait:
// nil means that the connection took it. body may be reused.
func (b *Bus) Publish(topic string, body []byte) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	if err := b.nc.Publish(b.base+topic, body); err != nil {
		b.metrics.failed.Inc()
		return fmt.Errorf("broadcast on %q: %w", topic, err)
	}
	b.metrics.published.Inc()
	return nil
}

// Subscribe calls fn with every broadcast on topic from now on. fn must not keep
// or change the body. After unsubscribe has returned, at most the call that is
// under way still runs; it may be called twice, and from within fn.
func (b *Bus) Subscribe(topic string, fn func(body []byte)) (unsubscribe func(), err error) {
	if err := checkTopic(topic); err != nil {
		return nil, err
	}
	s := &subscription{metrics: b.metrics}
	s.sub, err = b.nc.Subscribe(b.base+topic, func(m *nats.Msg) {
		b.metrics.received.Inc()
		fn(m.Data)
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %q: %w", topic, err)
	}
	if err := s.sub.SetPendingLimits(maxPendingMessages, maxPendingBytes); err != nil {
		_ = s.sub.Unsubscribe()
		return nil, fmt.Errorf("subscribe to %q: %w", topic, err)
	}
	b.metrics.subscriptions.Inc()
	return s.end, nil
}

// subscription is ended once.
type subscription struct {
	sub     *nats.Subscription
	metrics *Metrics
	once    sync.Once
}

func (s *subscription) end() {
	s.once.Do(func() {
		if dropped, err := s.sub.Dropped(); err == nil {
			s.metrics.dropped.Add(float64(dropped))
		}
		s.metrics.subscriptions.Dec()
		// The only error is a connection that is closed: then it has ended.
		_ = s.sub.Unsubscribe()
	})
}

func checkTopic(topic string) error {
	if topic == "" || len(topic) > maxTopicBytes {
		return fmt.Errorf("%w: %q has %d bytes, want 1 to %d", ErrTopic, topic, len(topic), maxTopicBytes)
	}
	if topic[0] == '.' || topic[len(topic)-1] == '.' || strings.Contains(topic, "..") {
		return fmt.Errorf("%w: %q has an empty word", ErrTopic, topic)
	}
	for i := 0; i < len(topic); i++ {
		if c := topic[i]; c <= ' ' || c == '*' || c == '>' || c == 0x7f {
			return fmt.Errorf("%w: %q has a character that subjects cannot have", ErrTopic, topic)
		}
	}
	return nil
}
