package gateway

import "syscall"

const (
	tcpNotSentLowat = 0x19 // TCP_NOTSENT_LOWAT of linux/tcp.h

	// notSent is how much the kernel keeps for a viewer beyond what is on its way.
	// What is there cannot be taken back when it is out of date: without a bound
	// it is as much as the send buffer, many seconds of frames.
	notSent = 4 << 10
)

// keepShort bounds what the kernel queues for a viewer.
func (w *wire) keepShort() {
	if w.raw == nil {
		return
	}
	_ = w.raw.Control(func(fd uintptr) {
		// Without it a slow viewer sees more of the past: no reason to refuse it.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, notSent)
	})
}
