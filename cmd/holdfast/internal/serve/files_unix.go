//go:build unix

package serve

import (
	"fmt"
	"syscall"
)

// mostFiles is how many files the process may have open. The runtime has raised
// the limit as far as it may.
func mostFiles() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read limit of open files: %w", err)
	}
	return uint64(limit.Cur), nil //nolint:unconvert // it is signed on some systems
}
