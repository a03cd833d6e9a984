package baseline

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/holdfast-game/holdfast/internal/devstack"
)

// TestMain makes the test binary a program that the package can start: with the
// argument "bench" it is the command, as in `holdfast bench`, with "dev" it runs
// etcd, as `holdfast dev` does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "bench" || os.Args[1] == "dev") {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		bench := &cobra.Command{Use: "bench"}
		bench.AddCommand(Command())
		dev := &cobra.Command{Use: "dev"}
		data := dev.Flags().String("data", "", "")
		dev.RunE = func(c *cobra.Command, _ []string) error { return runDev(c.Context(), *data) }
		root := &cobra.Command{Use: "holdfast"}
		root.AddCommand(bench, dev)
		if err := root.ExecuteContext(ctx); err != nil {
			os.Exit(1)
		}
		return
	}
	// A child with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

func runDev(ctx context.Context, data string) error {
	stack, err := devstack.Start(ctx, devstack.Config{Dir: data, NATSInProcess: true})
	if err != nil {
		return err
	}
	defer stack.Close()
	fmt.Printf("--etcd %s --nats nats://nowhere\n", stack.EtcdEndpoints()[0])
	<-ctx.Done()
	return nil
}
