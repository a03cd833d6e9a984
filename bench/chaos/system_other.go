//go:build !linux

package chaos

import (
	"errors"
	"net"
	"os/exec"
)

// withUs does nothing: elsewhere than on Linux processes outlive a campaign that
// is killed.
func withUs(*exec.Cmd) {}

// ports are free when they are taken, and not reserved.
type ports struct{}

func (*ports) take() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (*ports) release() {}

func mountMemory(string, int64) error { return errors.New("only on Linux") }
func unmount(string) error            { return errors.New("only on Linux") }
func fill(string, int64) error        { return errors.New("only on Linux") }
func freeMemory() int64               { return 0 }
func traced(int, int) bool            { return false }
