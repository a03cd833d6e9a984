//go:build !linux

package devstack

import "net"

// reservations find free ports. Other systems than Linux have no way to keep
// them free while nobody listens.
type reservations struct{}

// reserve finds an address that nobody listens on; a port of 0 means any.
func (*reservations) reserve(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (*reservations) release() {}
