package replay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pollBatch is how many sockets are read between two looks at what is due.
	pollBatch = 64
	// pollBuffer takes what a socket has in one read, as a rule.
	pollBuffer = 64 << 10
	// maxUnsent is what may wait for a server that does not read, for one
	// connection: beyond, the connection counts as lost.
	maxUnsent = 1 << 20
	// reserved descriptors are for other things than connections.
	reserved = 64
)

// maxOpen is how many connections one process may have.
func maxOpen() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1000
	}
	// Opening one takes a second descriptor for a moment.
	return int(min(max(limit.Max, 4*reserved)-reserved-dialersOfWorker, 1<<20))
}

// threadTime is how long the calling thread has used a processor.
func threadTime() time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
		return 0
	}
	return time.Duration(used.Nano())
}

// socket is a connection outside Go's own poller, which would wake up for each
// message as well.
type socket struct {
	fd     int
	unsent []byte
	tls    *tls.Conn // nil: none
}

// poller reads all sockets of an engine through epoll, and wakes up when something
// is due to the microsecond, by a timer that is a descriptor too.
type poller struct {
	epoll, timer, waker int
	links               []*link // by descriptor
	events              []unix.EpollEvent
	buffer              []byte
	plain               []byte // what of it was encrypted
}

func newPoller() (*poller, error) {
	p := &poller{events: make([]unix.EpollEvent, pollBatch), buffer: make([]byte, pollBuffer), plain: make([]byte, plainBuffer), epoll: -1, timer: -1, waker: -1}
	var err1, err2, err3 error
	p.epoll, err1 = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	p.timer, err2 = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	p.waker, err3 = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	err := errors.Join(err1, err2, err3)
	if err == nil {
		err = errors.Join(p.watch(p.timer, unix.EPOLL_CTL_ADD, unix.EPOLLIN), p.watch(p.waker, unix.EPOLL_CTL_ADD, unix.EPOLLIN))
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("poll sockets: %w", err)
	}
	return p, nil
}

func (p *poller) watch(fd, how int, events uint32) error {
	return unix.EpollCtl(p.epoll, how, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// wakeUp ends a wait. Any goroutine may call it.
func (p *poller) wakeUp() {
	_, _ = unix.Write(p.waker, []byte{0, 0, 0, 0, 0, 0, 0, 1}) // full is awake enough
}

// adopt takes a connection away from Go's poller. It is closed if that fails.
func (p *poller) adopt(l *link, conn net.Conn) error {
	conn, secured := asTLS(conn)
	raw, err := conn.(syscall.Conn).SyscallConn()
	fd := -1
	if err == nil {
		var failed error
		err = raw.Control(func(old uintptr) { fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
		err = errors.Join(err, failed)
	}
	if err = errors.Join(err, conn.Close()); err == nil {
		err = p.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN)
	}
	if err != nil {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return fmt.Errorf("adopt socket: %w", err)
	}
	for fd >= len(p.links) {
		p.links = append(p.links, make([]*link, max(1024, len(p.links)))...)
	}
	p.links[fd] = l
	l.socket = socket{fd: fd, tls: secured}
	if secured != nil {
		secured.NetConn().(*wire).adopted(p, l)
	}
	return nil
}

// begin hands on what has come before a connection was adopted: early, and what
// its TLS still has.
func (p *poller) begin(l *link, early []byte, arrived func(*link, []byte, error)) {
	secured := l.tls
	if len(early) > 0 {
		arrived(l, early, nil)
	}
	if secured != nil && l.tls == secured {
		p.decrypt(l, nil, arrived)
	}
}

// write sends a frame, now or, if the server does not take it, as soon as it does.
func (p *poller) write(l *link, frame []byte) error {
	if l.tls == nil {
		return p.put(l, frame)
	}
	_, err := l.tls.Write(frame)
	return err
}

// put is write for what is on the wire.
func (p *poller) put(l *link, frame []byte) error {
	if len(l.unsent) > 0 {
		if len(l.unsent)+len(frame) > maxUnsent {
			return errors.New("the server does not read")
		}
		l.unsent = append(l.unsent, frame...)
		return nil
	}
	n, err := unix.Write(l.fd, frame)
	if errors.Is(err, unix.EAGAIN) {
		n, err = 0, nil
	}
	if err != nil || n == len(frame) {
		return err
	}
	l.unsent = append([]byte(nil), frame[n:]...)
	return p.watch(l.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN|unix.EPOLLOUT)
}

// flush sends what waits.
func (p *poller) flush(l *link) error {
	n, err := unix.Write(l.fd, l.unsent)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		return err
	}
	if l.unsent = l.unsent[n:]; len(l.unsent) > 0 {
		return nil
	}
	l.unsent = nil
	return p.watch(l.fd, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
}

// drop closes a connection.
func (p *poller) drop(l *link) {
	if l.tls != nil {
		_ = l.tls.CloseWrite() // a farewell, which needs no answer
		l.tls = nil
	}
	p.links[l.fd] = nil
	_ = unix.Close(l.fd) // which takes it out of the set as well
}

// wait hands on what has come, or comes within d.
func (p *poller) wait(d time.Duration, arrived func(*link, []byte, error)) error {
	timeout := 0
	if d > 0 {
		timeout = -1
		at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
		if err := unix.TimerfdSettime(p.timer, 0, &at, nil); err != nil {
			return fmt.Errorf("set timer: %w", err)
		}
	}
	n, err := unix.EpollWait(p.epoll, p.events, timeout)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll sockets: %w", err)
	}
	for _, e := range p.events[:max(n, 0)] {
		fd := int(e.Fd)
		if fd == p.timer || fd == p.waker {
			_, _ = unix.Read(fd, p.buffer[:8])
			continue
		}
		l := p.links[fd]
		if l == nil {
			continue // closed over another one's message
		}
		if e.Events&unix.EPOLLOUT != 0 {
			if err := p.flush(l); err != nil {
				arrived(l, nil, err)
				continue
			}
		}
		if e.Events&^unix.EPOLLOUT != 0 {
			p.read(l, arrived)
		}
	}
	return nil
}

// read reads once: what is left is there when sockets are polled next.
func (p *poller) read(l *link, arrived func(*link, []byte, error)) {
	n, err := unix.Read(l.fd, p.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
	case err != nil:
		arrived(l, nil, err)
	case n == 0:
		arrived(l, nil, io.EOF)
	case l.tls != nil:
		p.decrypt(l, p.buffer[:n], arrived)
	default:
		arrived(l, p.buffer[:n], nil)
	}
}

// close closes everything.
func (p *poller) close() {
	for _, l := range p.links {
		if l != nil {
			_ = unix.Close(l.fd)
		}
	}
	for _, fd := range []int{p.epoll, p.timer, p.waker} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
