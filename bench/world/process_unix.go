//go:build unix

package world

import (
	"fmt"
	"syscall"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// spareFiles are those that a process has open besides its connections.
const spareFiles = 128

// checkFiles says whether there can be so many connections, here and in a server
// that is started from here. The runtime has raised the limit as far as it may.
func checkFiles(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read limit of open files: %w", err)
	}
	most := uint64(limit.Cur) //nolint:unconvert // it is signed on some systems
	if need := uint64(connections + spareFiles); need > most {
		return fmt.Errorf("%s connections need %s open files and the limit is %s: raise it with ulimit -n %d", figures.Thousands(int64(connections)),
			figures.Thousands(int64(need)), figures.Thousands(int64(most)), need)
	}
	return nil
}

// ownTime is the processor time that this process has used.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
