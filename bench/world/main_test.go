package world

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"
)

// TestMain makes the test binary a program that the package can start: with the
// argument "bench" it is the command, as in `holdfast bench`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := newRoot().ExecuteContext(ctx); err != nil {
			os.Exit(1)
		}
		return
	}
	// A child with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// newRoot is `holdfast`, with `bench` only.
func newRoot() *cobra.Command {
	bench := &cobra.Command{Use: "bench"}
	bench.AddCommand(Commands()...)
	root := &cobra.Command{Use: "holdfast", SilenceErrors: true}
	root.AddCommand(bench)
	return root
}
