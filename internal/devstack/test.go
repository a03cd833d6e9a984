package devstack

import (
	"context"
	"time"
)

// TB is the part of testing.TB that Test needs; naming it keeps package testing
// out of the program.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	TempDir() string
	Fatalf(format string, args ...any)
}

// testPatience bounds how long a test waits for its servers.
const testPatience = 30 * time.Second

// Test starts a Stack for one test, in a folder of its own, and ends it with
// the test. Close clients in functions given to t.Cleanup afterwards, or with
// defer: they run first.
func Test(t TB) *Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	s, err := Start(ctx, Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatalf("start etcd and NATS: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}
