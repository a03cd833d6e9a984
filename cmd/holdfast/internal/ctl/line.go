package ctl

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"

	"connectrpc.com/connect"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// line is the way to a cluster: to the node that was named and, for commands that
// take long enough for it to go away, to the others that it has told of. It may
// be used from any goroutine.
type line struct {
	token string
	// first is the URL that was named, and is never forgotten.
	first string

	mu      sync.Mutex
	url     string // of the node that is asked now
	others  []string
	current adminv1connect.AdminServiceClient
}

func newLine(url, token string) *line {
	l := &line{token: token, first: url}
	l.use(url)
	return l
}

// use turns to a node. l.mu is held, or l is new.
func (l *line) use(url string) {
	l.url = url
	l.current = adminv1connect.NewAdminServiceClient(http.DefaultClient, url,
		connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
			return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
				req.Header().Set("Authorization", "Bearer "+l.token)
				return next(ctx, req)
			}
		})))
}

func (l *line) client() adminv1connect.AdminServiceClient {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// node is the URL of the node that is asked now.
func (l *line) node() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.url
}

// learn notes which nodes could be asked instead.
func (l *line) learn(nodes *adminv1.NodesResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.others = append(l.others[:0], l.first)
	for _, r := range nodes.GetNodes() {
		if a := r.GetNode().GetAdminAddress(); a != "" && !strings.HasSuffix(l.first, "//"+a) {
			l.others = append(l.others, "http://"+a)
		}
	}
}

// turn turns to the next node, if another one is known.
func (l *line) turn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.others) > 1 {
		l.use(l.others[(slices.Index(l.others, l.url)+1)%len(l.others)])
	}
}

// hangUp says whether an error means that another node should be asked.
func hangUp(err error) bool {
	code := codeOf(err)
	return code == connect.CodeUnavailable || code == connect.CodeDeadlineExceeded
}

// codeOf is an error's code. Package connect takes a connection that breaks for a
// call that somebody has cancelled: to a server that may be so, to a client it is
// a node that has gone away.
func codeOf(err error) connect.Code {
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return connect.CodeUnavailable
	}
	return connect.CodeOf(err)
}
