package dev

import (
	"os"
	"syscall"
)

// ownGroup keeps the console's Ctrl-C from the members: the supervisor ends
// them.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// wake does nothing: processes are not stopped there.
func wake(*os.Process) {}
