package replay

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
// argument "replay" it is the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "replay" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		root := &cobra.Command{Use: "holdfast"}
		root.AddCommand(Command("test"))
		if root.ExecuteContext(ctx) != nil {
			os.Exit(1)
		}
		return
	}
	// A child with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}
