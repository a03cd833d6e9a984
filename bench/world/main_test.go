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
// argument "bench" it is the command, as in `holdfast bench`, with "serve" it is
// some zones in place of a node.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "bench" || os.Args[1] == "serve") {
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
	root.AddCommand(bench, &cobra.Command{
		Use: "serve", DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error { return serveFake(c.Context(), args) },
	})
	return root
}
