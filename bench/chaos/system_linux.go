package chaos

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// withUs has a process die with the thread that starts it, and keeps the
// terminal's Ctrl-C from it: we end it ourselves.
func withUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ports are reserved by sockets that are bound and do not listen: servers may
// bind the same address, as both say SO_REUSEADDR, and the system gives it to
// nobody else while a server is down. Otherwise a proxy that dials a dead server
// could be given the very port that it dials.
type ports struct{ sockets []int }

// take reserves an address on loopback and returns it.
func (p *ports) take() (string, error) {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	p.sockets = append(p.sockets, s)
	if err := syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return "", os.NewSyscallError("setsockopt", err)
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if err := syscall.Bind(s, &syscall.SockaddrInet4{Addr: loopback.As4()}); err != nil {
		return "", os.NewSyscallError("bind", err)
	}
	got, err := syscall.Getsockname(s)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	return netip.AddrPortFrom(loopback, uint16(got.(*syscall.SockaddrInet4).Port)).String(), nil
}

func (p *ports) release() {
	for _, s := range p.sockets {
		_ = syscall.Close(s) // nothing was ever written to it
	}
	p.sockets = nil
}

// mountMemory mounts a file system of so many bytes in memory.
func mountMemory(dir string, bytes int64) error {
	if err := syscall.Mount("holdfast-chaos", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		return fmt.Errorf("mount a file system in memory: %w", err)
	}
	return nil
}

func unmount(dir string) error { return os.NewSyscallError("umount", syscall.Unmount(dir, 0)) }

// freeMemory is how many bytes of memory nobody uses.
func freeMemory() int64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Freeram+info.Bufferram) * int64(info.Unit)
}

// fill writes a file of so many bytes, or as many as there is room for.
func fill(name string, bytes int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // its contents are nothing
	// What does not fit at once fits in smaller pieces.
	for piece, at := bytes, int64(0); piece >= 4096; {
		if err := syscall.Fallocate(int(f.Fd()), 0, at, piece); err != nil {
			piece /= 2
			continue
		}
		at += piece
	}
	return nil
}

// traced says whether a process is in the hands of another.
func traced(pid, by int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && strings.Contains(string(status), fmt.Sprintf("TracerPid:\t%d\n", by))
}
