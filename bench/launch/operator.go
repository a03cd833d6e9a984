package launch

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

const (
	// operatorTimeout bounds one call to the admin API: an audit of many players
	// takes a while.
	operatorTimeout = 30 * time.Second
	// operatorConnections are kept between calls: about as many as there are calls
	// at once.
	operatorConnections = 64
)

// Operator is the cluster's admin API. release lets go of idle connections.
func (t Target) Operator() (rpc adminv1connect.AdminServiceClient, release func()) {
	bearer := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+t.AdminToken)
			return next(ctx, r)
		}
	})
	transport := t.Transport()
	transport.MaxIdleConnsPerHost = operatorConnections
	c := &http.Client{Transport: transport, Timeout: operatorTimeout}
	return adminv1connect.NewAdminServiceClient(c, t.Admin, connect.WithInterceptors(bearer)), c.CloseIdleConnections
}
