package world

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

const (
	// pollBatch is how many sockets are read between two looks at which are ready.
	// The listener is locked meanwhile: some 100 µs.
	pollBatch = 64
	// pollBuffer takes what a socket has in one read, as a rule.
	pollBuffer = 64 << 10

	narrowSegment = 1024
	narrowReceive = 4096
)

// poller is a crowd on Linux: one goroutine reads all sockets through epoll, as
// they become readable. That is one system call for a message, and a fraction of
// another, where a goroutine for each socket makes three and is scheduled in
// between.
type poller struct {
	listener listener
	epoll    int
	asleep   *os.File // readable when wake is closed
	wake     *os.File
	ended    chan struct{}

	// Guarded by the listener's lock.
	closed  bool
	members map[int32]*member // by file descriptor
}

func newCrowd(l listener) (crowd, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("poll sockets: %w", err)
	}
	asleep, wake, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("poll sockets: %w", err), syscall.Close(epoll))
	}
	p := &poller{
		listener: l, epoll: epoll, asleep: asleep, wake: wake,
		ended: make(chan struct{}), members: make(map[int32]*member),
	}
	if err := p.watch(int(asleep.Fd())); err != nil {
		return nil, errors.Join(err, asleep.Close(), wake.Close(), syscall.Close(epoll))
	}
	go func() {
		defer close(p.ended)
		p.run()
	}()
	return p, nil
}

func (p *poller) watch(fd int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("poll socket: %w", err)
	}
	return nil
}

func (p *poller) unwatch(fd int) error {
	if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, fd, nil); err != nil {
		return fmt.Errorf("leave socket: %w", err)
	}
	return nil
}

// descriptor is a socket outside Go's own poller, which would wake up for each
// message as well.
type descriptor int

func (d descriptor) Write(b []byte) (int, error) {
	// Little is written, to servers that read: a full buffer is an error.
	n, err := syscall.Write(int(d), b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

func (d descriptor) Close() error { return syscall.Close(int(d)) }

// detach takes a connection away from Go's poller.
func detach(conn net.Conn) (descriptor, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd uintptr
	var errno syscall.Errno
	err = raw.Control(func(old uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if errno != 0 {
		err = errors.Join(errno, err)
	}
	if err != nil {
		return 0, fmt.Errorf("detach socket: %w", err)
	}
	return descriptor(fd), conn.Close()
}

func (p *poller) add(m *member) error {
	d, err := detach(m.wire.(net.Conn))
	if err != nil {
		return err
	}
	p.listener.Lock()
	defer p.listener.Unlock()
	if p.closed {
		return errors.Join(net.ErrClosed, d.Close())
	}
	m.wire, m.fd = d, int(d)
	p.members[int32(m.fd)] = m
	if err := p.watch(m.fd); err != nil {
		delete(p.members, int32(m.fd))
		return errors.Join(err, d.Close())
	}
	return nil
}

func (p *poller) pause(m *member) error  { return p.change(m, p.unwatch) }
func (p *poller) resume(m *member) error { return p.change(m, p.watch) }

func (p *poller) change(m *member, how func(fd int) error) error {
	p.listener.Lock()
	defer p.listener.Unlock()
	if p.members[int32(m.fd)] != m {
		return net.ErrClosed
	}
	return how(m.fd)
}

func (p *poller) run() {
	events, buffer := make([]syscall.EpollEvent, pollBatch), make([]byte, pollBuffer)
	for {
		n, err := syscall.EpollWait(p.epoll, events, -1)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			panic(fmt.Errorf("poll sockets: %w", err)) // of a descriptor of one's own
		}
		p.listener.Lock()
		for _, e := range events[:n] {
			m := p.members[e.Fd]
			if m == nil { // woken up by close, or closed in this batch
				continue
			}
			if err := p.read(m, buffer); err != nil {
				p.drop(m)
				p.listener.left(m, err)
			}
		}
		closed := p.closed
		p.listener.Unlock()
		if closed {
			return
		}
	}
}

// read reads once: what is left is there when sockets are polled next.
func (p *poller) read(m *member, buffer []byte) error {
	n, err := syscall.Read(m.fd, buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	return m.take(p.listener, buffer[:n])
}

// drop closes a socket. The listener is locked.
func (p *poller) drop(m *member) {
	delete(p.members, int32(m.fd))
	_ = m.wire.Close() // which takes it out of the set as well
}

func (p *poller) remove(m *member) {
	p.listener.Lock()
	defer p.listener.Unlock()
	if p.members[int32(m.fd)] == m {
		p.drop(m)
	}
}

func (p *poller) close() {
	p.listener.Lock()
	again := p.closed
	p.closed = true
	p.listener.Unlock()
	if again {
		return
	}
	_ = p.wake.Close()
	<-p.ended
	p.listener.Lock()
	defer p.listener.Unlock()
	for _, m := range p.members {
		p.drop(m)
	}
	_ = p.asleep.Close()
	_ = syscall.Close(p.epoll)
}

// narrowSocket is before connecting.
func narrowSocket(fd uintptr) error {
	return errors.Join(
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, narrowReceive),
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, narrowSegment),
	)
}
