package devstack

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"
)

// reservations keep ports from being given away while nobody listens on them.
// A reservation is a socket that is bound and does not listen. Linux lets a
// server bind the same address nevertheless, as both say SO_REUSEADDR; it gives
// the port to no connection and to nobody who asks for any port. Without it a
// client that dials a member that is down could be given the very port that it
// dials, and would then talk to itself.
type reservations struct{ sockets []int }

// reserve reserves an IPv4 address, whose port may be 0 for any, and returns it.
func (r *reservations) reserve(addr string) (string, error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return "", err
	}
	if !want.Addr().Is4() {
		return "", fmt.Errorf("%s is not an IPv4 address", addr)
	}
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	r.sockets = append(r.sockets, s)
	if err := syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(s, &syscall.SockaddrInet4{Port: int(want.Port()), Addr: want.Addr().As4()}); err != nil {
		return "", fmt.Errorf("bind %s: %w", addr, err)
	}
	got, err := syscall.Getsockname(s)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	return netip.AddrPortFrom(want.Addr(), uint16(got.(*syscall.SockaddrInet4).Port)).String(), nil
}

// release gives the ports back.
func (r *reservations) release() {
	for _, s := range r.sockets {
		_ = syscall.Close(s) // nothing was ever written to it
	}
	r.sockets = nil
}
