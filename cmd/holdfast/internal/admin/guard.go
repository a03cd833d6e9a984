package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"connectrpc.com/connect"
)

// guard knows who is an operator.
type guard struct {
	token [sha256.Size]byte
}

func newGuard(token string) guard { return guard{sha256.Sum256([]byte(token))} }

// allows says whether the request bears the token. The time it takes tells
// nothing about the token: digests are compared, all of one length.
func (g guard) allows(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(digest[:], g.token[:]) == 1
}

var errNoOperator = errors.New("the header Authorization must be \"Bearer \" and the admin token")

// bearers lets operators through.
func (g guard) bearers(next http.Handler) http.Handler {
	rpc := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.allows(r):
			next.ServeHTTP(w, r)
		case rpc.IsSupported(r):
			_ = rpc.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errNoOperator)) // whoever asked is gone otherwise
		default:
			http.Error(w, errNoOperator.Error(), http.StatusUnauthorized)
		}
	})
}

// local lets operators through, and whoever is on the machine itself: profilers
// send no headers.
func (g guard) local(next http.Handler) http.Handler {
	bearers := g.bearers(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r.RemoteAddr) && onLoopback(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		bearers.ServeHTTP(w, r)
	})
}

// onLoopback says whether a host, with or without port, is this machine. The
// Host header is looked at too, so that no web page can have a browser here
// fetch profiles under a name of its own.
func onLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
