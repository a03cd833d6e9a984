package dev

import "syscall"

// ownGroup keeps the terminal's Ctrl-C from the members: the supervisor ends
// them. The system kills them when the thread that started them ends, so the
// supervisor keeps to one thread.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
