package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Config is what a Gateway can be told. Start from DefaultConfig: a zero is
// never a default.
type Config struct {
	// Origins that browsers may connect from, as "https://game.example". Empty:
	// only the gateway's own; "*": any. Clients that send no Origin are no
	// browsers and always may.
	Origins []string

	// MaxConnections bounds the open WebSocket connections. Beyond it an upgrade
	// is answered 503.
	MaxConnections int
	// MaxHandshakes bounds the connections that nobody has authenticated yet,
	// from the TCP accept to the Welcome. Beyond it new ones are closed at once.
	MaxHandshakes int

	// HeaderTimeout is how long the HTTP request may take to arrive.
	HeaderTimeout time.Duration
	// MaxHeaderBytes of the HTTP request.
	MaxHeaderBytes int
	// HelloTimeout is how long after the upgrade the Hello may take to arrive.
	HelloTimeout time.Duration
	// FrameTimeout is how long a message may take from its first byte to its
	// last.
	FrameTimeout time.Duration
	// WriteTimeout is how long the client may take to accept what is written to
	// it, before the connection is closed. It may be exceeded by a quarter.
	WriteTimeout time.Duration
	// PingInterval is the time between two pings to the client.
	PingInterval time.Duration
	// PongWait is how long a connection may be silent, pongs included, before it
	// is closed. It may be exceeded by an eighth.
	PongWait time.Duration
	// CloseGrace is how long a closed connection is kept for the client to read
	// the reason.
	CloseGrace time.Duration

	// MaxMessageBytes of one message from a client.
	MaxMessageBytes int
	// RequestsPerSecond of one connection, on average. 0: no limit.
	RequestsPerSecond float64
	// Burst is how many requests may come at once.
	Burst int
	// MaxInFlight bounds the requests of one connection whose replies have not
	// been handed to its socket. Beyond it requests are answered OVERLOADED.
	MaxInFlight int
	// MaxWatched bounds the SKUs that one connection watches.
	MaxWatched int

	// MaxZones bounds the zones that one connection is in.
	MaxZones int
	// MaxGroups bounds the groups that one connection listens to.
	MaxGroups int

	// StockRefresh is how often the level of a watched slice that was not heard
	// of is asked for again, because broadcasts may be lost.
	StockRefresh time.Duration

	// Tracer makes a span for each request handed to the router. nil: none, at
	// no cost.
	Tracer trace.Tracer
}

// DefaultConfig returns the limits that suit phones on the open internet.
func DefaultConfig() Config {
	return Config{
		MaxConnections:    50_000,
		MaxHandshakes:     4096,
		HeaderTimeout:     5 * time.Second,
		MaxHeaderBytes:    8 << 10,
		HelloTimeout:      5 * time.Second,
		FrameTimeout:      5 * time.Second,
		WriteTimeout:      10 * time.Second,
		PingInterval:      15 * time.Second,
		PongWait:          25 * time.Second,
		CloseGrace:        time.Second,
		MaxMessageBytes:   4 << 10,
		RequestsPerSecond: 20,
		Burst:             40,
		MaxInFlight:       64, // as many as a player actor works on at once
		MaxWatched:        64,
		MaxZones:          4,
		MaxGroups:         8,
		StockRefresh:      15 * time.Second,
	}
}

// Validate rejects what cannot work.
func (c Config) Validate() error {
	for _, f := range []struct {
		name string
		v    int
	}{
		{"MaxConnections", c.MaxConnections},
		{"MaxHandshakes", c.MaxHandshakes},
		{"MaxHeaderBytes", c.MaxHeaderBytes},
		{"MaxInFlight", c.MaxInFlight},
		{"MaxWatched", c.MaxWatched},
		{"MaxZones", c.MaxZones},
		{"MaxGroups", c.MaxGroups},
	} {
		if f.v < 1 {
			return fmt.Errorf("%s: %d, must be at least 1", f.name, f.v)
		}
	}
	for _, f := range []struct {
		name string
		v    time.Duration
	}{
		{"HeaderTimeout", c.HeaderTimeout},
		{"HelloTimeout", c.HelloTimeout},
		{"FrameTimeout", c.FrameTimeout},
		{"WriteTimeout", c.WriteTimeout},
		{"PingInterval", c.PingInterval},
		{"PongWait", c.PongWait},
		{"CloseGrace", c.CloseGrace},
		{"StockRefresh", c.StockRefresh},
	} {
		if f.v <= 0 {
			return fmt.Errorf("%s: %s, must be positive", f.name, f.v)
		}
	}
	switch {
	case c.PongWait <= c.PingInterval:
		return fmt.Errorf("PongWait: %s, must be longer than PingInterval, %s", c.PongWait, c.PingInterval)
	case c.MaxMessageBytes < 512 || c.MaxMessageBytes > 1<<20:
		return fmt.Errorf("MaxMessageBytes: %d, must be 512 (a Hello has to fit) to 1 MiB", c.MaxMessageBytes)
	case c.RequestsPerSecond < 0:
		return fmt.Errorf("RequestsPerSecond: %g, must not be negative", c.RequestsPerSecond)
	case c.RequestsPerSecond > 0 && c.Burst < 1:
		return fmt.Errorf("Burst: %d, must be at least 1", c.Burst)
	}
	for _, o := range c.Origins {
		if err := validateOrigin(o); err != nil {
			return fmt.Errorf("Origins: %q: %w", o, err)
		}
	}
	return nil
}

func validateOrigin(o string) error {
	if o == "*" {
		return nil
	}
	u, err := url.Parse(o)
	if err != nil {
		return err
	}
	if u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return errors.New(`must be a scheme and a host, as "https://game.example"`)
	}
	return nil
}
