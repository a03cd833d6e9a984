package dev

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/serve"
)

// TestMain makes the test binary the program that a supervisor starts again:
// with the argument "dev" or "serve" it is that command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "dev" || os.Args[1] == "serve") {
		root := &cobra.Command{Use: "holdfast", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(Command(), serve.Command("test", nil), bench.Command())
		if err := root.ExecuteContext(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// A process with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}
