package launch

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes the test binary a program that the package can start.
func TestMain(m *testing.M) {
	if mode := os.Getenv("LAUNCH_TEST_PROCESS"); mode != "" {
		childMain(mode)
		return
	}
	// A child with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// childMain is what a child process of a test does.
func childMain(mode string) {
	switch mode {
	case "fail":
		fmt.Println("the port is taken")
		os.Exit(2)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "busy":
		for {
			_ = os.Getppid()
		}
	}
}
