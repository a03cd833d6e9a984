//go:build !linux

package gateway

// keepShort bounds what the kernel queues for a viewer, where it can be told.
func (*wire) keepShort() {}
