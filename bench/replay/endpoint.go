package replay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/bench/launch"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// endpoint is a gateway to connect to.
type endpoint struct {
	*url.URL
	address string      // host and port
	tls     *tls.Config // nil: ws://
}

// endpoints are the gateways of a target.
func endpoints(t launch.Target) (all []endpoint, err error) {
	for one := range strings.SplitSeq(t.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil {
			return nil, fmt.Errorf("URL: %w", err)
		}
		e := endpoint{URL: u, address: u.Host}
		port := "80"
		switch {
		case u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss":
			return nil, fmt.Errorf("URL: %s: not like ws://127.0.0.1:8080/v1/ws, or wss://", u.Redacted())
		case u.Scheme == "wss":
			port = "443"
			e.tls = t.TLS()
			e.tls.ServerName = u.Hostname()
		}
		if u.Port() == "" {
			e.address = net.JoinHostPort(u.Hostname(), port)
		}
		all = append(all, e)
	}
	return all, nil
}

// dial opens a connection, up to where HTTP can be spoken.
func (e *endpoint) dial(ctx context.Context, from net.Addr) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: from}
	conn, err := dialer.DialContext(ctx, "tcp", e.address)
	if err != nil || e.tls == nil {
		return conn, err
	}
	secured := tls.Client(underTLS(conn), e.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &untrustedError{host: e.Host, err: err}
	}
	return secured, nil
}

// untrustedError: there is no TLS with a gateway.
type untrustedError struct {
	host string
	err  error
}

func (e *untrustedError) Unwrap() error { return e.err }

func (e *untrustedError) Error() string {
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	hint := ""
	switch {
	case errors.As(e.err, &authority):
		hint = "; --ca names the file of a private authority"
	case errors.As(e.err, &record):
		hint = "; without TLS the URL begins with ws://"
	}
	return fmt.Sprintf("secure connection to %s: %v%s", e.host, e.err, hint)
}

// reachTimeout bounds the look at one gateway before a replay.
const reachTimeout = 10 * time.Second

// reach makes sure, before anything is put on sale, that a gateway welcomes a
// player, and that all of those that answer can be trusted and take the tokens.
func (r *run) reach(ctx context.Context) error {
	all, err := endpoints(r.Target)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		ctx, cancel := context.WithTimeout(ctx, reachTimeout)
		err := r.greet(ctx, &e)
		cancel()
		var untrusted *untrustedError
		switch code, refused := asRefused(err); {
		case errors.As(err, &untrusted):
			return err
		case refused && code == clientv1.Code_CODE_UNAUTHENTICATED:
			return fmt.Errorf("reach %s: it does not take tokens that are signed with this secret (%w)", e.Redacted(), err)
		case err != nil:
			errs = append(errs, fmt.Errorf("reach %s: %w", e.Redacted(), err))
		}
	}
	if len(errs) == len(all) {
		return errors.Join(errs...)
	}
	return nil
}

// greet opens a connection as the players will, and closes it.
func (r *run) greet(ctx context.Context, e *endpoint) error {
	conn, err := e.dial(ctx, nil)
	if err != nil {
		return err
	}
	defer conn.Close() // nothing was asked on it
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	d := dialers{job: r.job(0)}
	_, _, err = d.greet(conn, e.URL, r.Prefix+"greeter")
	return err
}
