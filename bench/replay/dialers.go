package replay

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// dialersOfWorker open connections at once: a gateway bounds unfinished handshakes.
	dialersOfWorker = 32
	// dialTimeout bounds opening one connection, up to its Welcome.
	dialTimeout = 30 * time.Second
	// portsOfAddress is how many connections one address of this machine has to one
	// server, with room for those that have just been closed.
	portsOfAddress = 20_000
)

// dialers open connections, so that the engine does not wait for it.
type dialers struct {
	job
	to   []endpoint
	wake func()
	room chan struct{} // one for each connection that may be open
	stop context.CancelFunc
	ctx  context.Context
	all  sync.WaitGroup

	mu     sync.Mutex
	more   sync.Cond // of mu: asked or closed
	asked  []request // at most one for each link of the engine
	opened []dialed  // the same
	number int
	closed bool
}

// request is one for a connection.
type request struct {
	link   *link
	player string
	at     time.Time
}

// dialed is a connection that was opened, or was not.
type dialed struct {
	link  *link
	conn  net.Conn
	early []byte // what came behind the Welcome
	next  uint64 // Welcome.next_request
	took  time.Duration
	err   error
}

func startDialers(j job, wake func()) (*dialers, error) {
	to, err := endpoints(j.Target)
	if err != nil {
		return nil, err
	}
	d := &dialers{job: j, to: to, wake: wake, room: make(chan struct{}, maxOpen())}
	d.more.L = &d.mu
	d.ctx, d.stop = context.WithCancel(context.Background())
	for range dialersOfWorker {
		d.all.Go(d.run)
	}
	return d, nil
}

// add asks for a connection.
func (d *dialers) add(l *link, player string) {
	d.mu.Lock()
	d.asked = append(d.asked, request{l, player, time.Now()})
	d.mu.Unlock()
	d.more.Signal()
}

// take returns what was opened since.
func (d *dialers) take() []dialed {
	d.mu.Lock()
	defer d.mu.Unlock()
	opened := d.opened
	d.opened = nil
	return opened
}

// release says that a connection was closed.
func (d *dialers) release() { <-d.room }

func (d *dialers) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.stop()
	d.more.Broadcast()
	d.all.Wait()
	for _, o := range d.opened {
		if o.conn != nil {
			_ = o.conn.Close()
		}
	}
}

func (d *dialers) run() {
	for {
		select {
		case d.room <- struct{}{}:
		case <-d.ctx.Done():
			return
		}
		d.mu.Lock()
		for len(d.asked) == 0 && !d.closed {
			d.more.Wait()
		}
		if d.closed {
			d.mu.Unlock()
			return
		}
		r := d.asked[0]
		d.asked = d.asked[1:]
		number := d.number
		d.number++
		d.mu.Unlock()

		out := d.open(r, number)
		d.mu.Lock()
		d.opened = append(d.opened, out)
		d.mu.Unlock()
		d.wake()
	}
}

func (d *dialers) open(r request, number int) dialed {
	out := dialed{link: r.link}
	ctx, cancel := context.WithTimeout(d.ctx, dialTimeout)
	defer cancel()
	to := &d.to[number%len(d.to)]
	conn, err := to.dial(ctx, d.from(to.URL, number))
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		out.next, out.early, err = d.greet(conn, to.URL, r.player)
		if !stop() && err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			_ = conn.Close()
		}
	}
	out.conn, out.err, out.took = conn, err, time.Since(r.at)
	return out
}

// from is the address that a connection comes from. A loopback has many; any other
// host is left to choose.
func (d *dialers) from(u *url.URL, number int) net.Addr {
	ip := net.ParseIP(u.Hostname()).To4()
	if ip == nil || !ip.IsLoopback() {
		return nil
	}
	n := 1 + (d.Worker+number/portsOfAddress*d.Workers)%250
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(n))}
}

// greet does the opening handshake (RFC 6455, section 4.1), and says Hello.
func (d *dialers) greet(conn net.Conn, u *url.URL, player string) (next uint64, early []byte, err error) {
	token, err := d.Target.Token(player)
	if err != nil {
		return 0, nil, err
	}
	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	if _, err := io.WriteString(conn, "GET "+u.RequestURI()+" HTTP/1.1\r\nHost: "+u.Host+
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+key+
		"\r\nSec-WebSocket-Protocol: "+string(client.Binary)+"\r\n\r\n"); err != nil {
		return 0, nil, err
	}
	in := bufio.NewReaderSize(conn, 1024)
	reply, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, nil, err
	}
	digest := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if reply.StatusCode != http.StatusSwitchingProtocols ||
		reply.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(digest[:]) {
		return 0, nil, fmt.Errorf("answered %s", reply.Status)
	}
	hello, err := proto.Marshal(&clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{
		Hello: &clientv1.Hello{Token: token, Client: "holdfast-replay"},
	}})
	if err != nil {
		return 0, nil, err
	}
	if _, err := conn.Write(finish(append(make([]byte, maxHead, maxHead+len(hello)), hello...), opBinary)); err != nil {
		return 0, nil, err
	}
	return awaitWelcome(conn, in)
}

// refusedError: a Hello was answered by an Error.
type refusedError struct{ code clientv1.Code }

func (e *refusedError) Error() string { return client.CodeName(e.code) }

func asRefused(err error) (code clientv1.Code, ok bool) {
	var r *refusedError
	if errors.As(err, &r) {
		return r.code, true
	}
	return 0, false
}

// awaitWelcome reads the answer to a Hello. early is what has come behind it.
func awaitWelcome(conn net.Conn, in *bufio.Reader) (next uint64, early []byte, err error) {
	data, _ := in.Peek(in.Buffered())
	data = append([]byte(nil), data...)
	buffer := make([]byte, 1024)
	for {
		opcode, _, payload, size, err := parseFrame(data)
		if err != nil {
			return 0, nil, err
		}
		if size > 0 {
			return welcome(opcode, payload, data[size:])
		}
		n, err := conn.Read(buffer)
		if err != nil {
			return 0, nil, err
		}
		data = append(data, buffer[:n]...)
	}
}

func welcome(opcode byte, payload, rest []byte) (next uint64, early []byte, err error) {
	_, field, body, err := splitFrame(payload)
	switch {
	case err != nil:
		return 0, nil, err
	case opcode == opBinary && field == fieldWelcome:
		return readNextRequest(body), rest, nil
	case opcode == opBinary && field == protowire.Number(fieldError):
		return 0, nil, &refusedError{readCode(body)}
	default:
		return 0, nil, errors.New("the Hello was not answered by a Welcome")
	}
}
