package js_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/client/js/jstest"
)

// The tests in TypeScript that need no server.
func TestTypeScript(t *testing.T) {
	jstest.Node(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	jstest.Run(ctx, t, nil, jstest.BundleTests(t, "client/js/test/*.test.ts")...)
}
