package world

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-game/holdfast/client"
)

// dialTimeout bounds connecting, up to the answer to the last request of it.
const dialTimeout = 30 * time.Second

// socket is a WebSocket connection to a server. Package client would do what it
// does, and gorilla/websocket: but thousands of viewers share the machine with
// the server that they measure, and a socket has no goroutine, no buffers and no
// timers. A crowd reads it.
type socket struct {
	unframer
	// wire is the connection, or what a crowd has made of it.
	wire io.WriteCloser
	// early is what came behind the answer to the opening handshake.
	early []byte
}

// dialSocket connects to a gateway. A narrow socket takes little before the
// server has to wait: as on a slow mobile network, segments are small and so is
// the receive buffer. (Over loopback the kernel would hold megabytes.)
func dialSocket(ctx context.Context, address string, narrow bool) (*socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if narrow {
			err = errors.Join(c.Control(func(fd uintptr) { err = narrowSocket(fd) }), err)
		}
		return err
	}}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := &socket{wire: conn}
	if err := s.upgrade(conn, u); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to %s: %w", address, errors.Join(context.Cause(ctx), err))
	}
	return s, nil
}

// upgrade does the opening handshake: RFC 6455, section 4.1.
func (s *socket) upgrade(conn net.Conn, u *url.URL) error {
	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key +
		"\r\nSec-WebSocket-Protocol: " + string(client.Binary) + "\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 1024)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	digest := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if answer.StatusCode != http.StatusSwitchingProtocols ||
		answer.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(digest[:]) {
		return fmt.Errorf("answered %s", answer.Status)
	}
	if s.early, err = in.Peek(in.Buffered()); err != nil {
		return err
	}
	return nil
}

// send writes a message, or a control frame. Masks are there against caches that
// misunderstand; between a load generator and its server 0 will do.
func (s *socket) send(opcode byte, payload []byte) error {
	frame := make([]byte, 0, 8+len(payload))
	frame = append(frame, 0x80|opcode)
	if len(payload) < 126 {
		frame = append(frame, 0x80|byte(len(payload)))
	} else {
		frame = append(frame, 0x80|126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(payload)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := s.wire.Write(append(frame, payload...))
	return err
}

// receive reads until take is done, before the socket is in a crowd.
func (s *socket) receive(ctx context.Context, take func(opcode byte, payload []byte) (done bool, err error)) error {
	conn := s.wire.(net.Conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	done := false
	each := func(opcode byte, payload []byte) (err error) {
		if done { // what comes behind it is handled alike
			_, err = take(opcode, payload)
			return err
		}
		done, err = take(opcode, payload)
		return err
	}
	buffer := make([]byte, 4096)
	for {
		n, err := len(s.early), error(nil)
		if n > 0 {
			n, s.early = copy(buffer, s.early), nil
		} else if n, err = conn.Read(buffer); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if err := s.feed(buffer[:n], each); err != nil {
			return err
		}
		if done {
			return nil
		}
	}
}

// rotate returns the gateway of viewer i.
func rotate(urls string, i int) (address string, gateway int) {
	all := strings.Split(urls, ",")
	return strings.TrimSpace(all[i%len(all)]), i % len(all)
}
