//go:build !unix

package gateway

// directIO: sockets are read and written through net.Conn.
const directIO = false

func (*wire) readSocket(uintptr) bool { return true }

func (*wire) writeSocket(uintptr) bool { return true }
