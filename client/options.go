package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// TokenSource returns a token that is valid now. It is asked anew for every
// connection.
type TokenSource func(context.Context) (string, error)

// Options say how to connect. The zero value of a field is its default.
type Options struct {
	// Token authenticates the player. TokenSource, when set, is asked instead:
	// for clients that outlive a token.
	Token       string
	TokenSource TokenSource

	// Subprotocol is Binary by default.
	Subprotocol Subprotocol
	// Name is the client's name and version, for the server's logs.
	Name string

	// DialTimeout bounds connecting, from the first packet to the Welcome. 10 s.
	DialTimeout time.Duration
	// WriteTimeout bounds writing one frame. 10 s.
	WriteTimeout time.Duration

	// MaxInFlight bounds the requests that wait for an answer; more wait for
	// their turn. The server's own limit counts when it is lower. 64.
	MaxInFlight int
	// EventBuffer is how many events wait for the reader of Conn.Events; the
	// oldest is dropped for the newest when it is full. 256.
	EventBuffer int

	// OnWorld is given every message about zones as it came, and then nothing is
	// decoded: ZoneViews stay empty. It is for load generators. It is called by the
	// goroutine that reads the connection, which waits for it, and must not keep
	// what it is given, nor wait for the Conn.
	OnWorld func(*WorldMessage)

	// NoReconnect: a dropped connection ends the Conn with ErrDisconnected.
	NoReconnect bool
	// ReconnectMin and ReconnectMax bound the pause before another attempt to
	// connect, which doubles each time and has jitter. 50 ms, 5 s.
	ReconnectMin, ReconnectMax time.Duration

	// TLS and Header are used for the WebSocket handshake.
	TLS    *tls.Config
	Header http.Header
}

func (o Options) withDefaults() Options {
	setDefault(&o.Subprotocol, Binary)
	setDefault(&o.Name, "holdfast-go")
	setDefault(&o.DialTimeout, 10*time.Second)
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.MaxInFlight, 64)
	setDefault(&o.EventBuffer, 256)
	setDefault(&o.ReconnectMin, 50*time.Millisecond)
	setDefault(&o.ReconnectMax, 5*time.Second)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate says which field cannot work, defaults applied.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Token == "" && o.TokenSource == nil:
		return errors.New("Token: neither Token nor TokenSource is set")
	case o.DialTimeout < 0:
		return fmt.Errorf("DialTimeout: %s is negative", o.DialTimeout)
	case o.WriteTimeout < 0:
		return fmt.Errorf("WriteTimeout: %s is negative", o.WriteTimeout)
	case o.MaxInFlight < 0:
		return fmt.Errorf("MaxInFlight: %d is negative", o.MaxInFlight)
	case o.EventBuffer < 0:
		return fmt.Errorf("EventBuffer: %d is negative", o.EventBuffer)
	case o.ReconnectMin < 0 || o.ReconnectMax < o.ReconnectMin:
		return fmt.Errorf("ReconnectMin, ReconnectMax: %s to %s is not a range", o.ReconnectMin, o.ReconnectMax)
	}
	return o.Subprotocol.validate()
}

func (o Options) token(ctx context.Context) (string, error) {
	if o.TokenSource == nil {
		return o.Token, nil
	}
	t, err := o.TokenSource(ctx)
	if err != nil {
		return "", fmt.Errorf("get token: %w", err)
	}
	return t, nil
}
