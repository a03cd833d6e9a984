//go:build unix && !linux

package dev

import "syscall"

// ownGroup keeps the terminal's Ctrl-C from the members: the supervisor ends
// them.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
