//go:build unix

package gateway

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// directIO: sockets can be read and written below net.Conn.
const directIO = true

// readSocket is what the runtime calls when the socket may have something. It
// takes a buffer only then, so that a connection that waits has none.
func (w *wire) readSocket(fd uintptr) (done bool) {
	held := w.in != nil
	w.hold()
	n, err := retried(func() (int, error) { return syscall.Read(int(fd), w.in.b[w.in.w:]) })
	switch {
	case n > 0:
		w.in.w += n
	case errors.Is(err, syscall.EAGAIN):
		if !held {
			w.relax()
		}
		return false
	case err != nil:
		w.readErr = os.NewSyscallError("read", err)
	default:
		w.readErr = io.EOF
	}
	return true
}

// writeSocket writes once, and returns how much the socket took.
func writeSocket(socket int, p []byte) int {
	n, _ := retried(func() (int, error) { return syscall.Write(socket, p) })
	return max(n, 0)
}

// retried calls fn again when a signal has interrupted it.
func retried(fn func() (int, error)) (int, error) {
	for {
		n, err := fn()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
