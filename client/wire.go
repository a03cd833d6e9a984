package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// ioBuffer is the size of a connection's read and of its write buffer: a
// frame is usually far below it, and a load generator has thousands of them.
const ioBuffer = 2048

// maxFrame bounds what a server can make us hold: far above the largest
// catalog reply, far below what hurts.
const maxFrame = 4 << 20

// wire is one WebSocket connection on which the server has said Welcome.
// Sending is safe for any number of goroutines, receiving for one.
type wire struct {
	ws      *websocket.Conn
	sub     Subprotocol
	welcome *clientv1.Welcome

	// writeTimeout is 0 for a wire whose owner bounds it by closing it.
	writeTimeout time.Duration
	// patience is how long the server may stay silent: it pings us. 0: for ever.
	patience time.Duration
	// heard is when the read deadline was set last. The receiver's.
	heard time.Time

	// in is reused for every frame received.
	in []byte

	mu  sync.Mutex
	out []byte // guarded by mu, reused for every frame sent
}

// dialWire connects to the first of several gateways, separated by commas, that
// welcomes the player.
func dialWire(ctx context.Context, urls string, o Options) (*wire, error) {
	var errs []error
	for url := range strings.SplitSeq(urls, ",") {
		w, err := dialOne(ctx, url, o)
		if err == nil {
			return w, nil
		}
		if final(err) || ctx.Err() != nil {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// dialOne connects, authenticates and waits for the Welcome.
func dialOne(ctx context.Context, url string, o Options) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	token, err := o.token(ctx)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{
		Subprotocols:    []string{string(o.Subprotocol)},
		TLSClientConfig: o.TLS,
		ReadBufferSize:  ioBuffer,
		WriteBufferSize: ioBuffer,
	}
	ws, resp, err := dialer.DialContext(ctx, url, o.Header)
	if err != nil {
		if errors.Is(err, websocket.ErrBadHandshake) {
			return nil, fmt.Errorf("connect to %s: answered %s", url, resp.Status)
		}
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	ws.SetReadLimit(maxFrame)
	w := &wire{ws: ws, sub: o.Subprotocol, writeTimeout: o.WriteTimeout}
	// The handshake below reads and writes without a context of its own.
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	err = w.greet(token, o.Name)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = ws.Close()
		return nil, fmt.Errorf("greet %s: %w", url, errors.Join(context.Cause(ctx), err))
	}
	return w, nil
}

// greet says Hello and takes the Welcome.
func (w *wire) greet(token, name string) error {
	if got := w.ws.Subprotocol(); got != string(w.sub) {
		return fmt.Errorf("%w: server chose subprotocol %q, not %q", ErrProtocol, got, w.sub)
	}
	err := w.send(&clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{
		Hello: &clientv1.Hello{Token: token, Client: name},
	}})
	if err != nil {
		return err
	}
	var f clientv1.ServerFrame
	if err := w.receive(&f); err != nil {
		return err
	}
	switch b := f.Body.(type) {
	case *clientv1.ServerFrame_Welcome:
		w.welcome = b.Welcome
	case *clientv1.ServerFrame_Error:
		return newError(b.Error)
	default:
		return fmt.Errorf("%w: Hello answered by %T", ErrProtocol, f.Body)
	}
	if ms := w.welcome.GetLimits().GetPingIntervalMs(); ms > 0 {
		// Two pings may be late or lost.
		w.patience = 3 * time.Duration(ms) * time.Millisecond
		reply := w.ws.PingHandler()
		w.ws.SetPingHandler(func(data string) error {
			w.extend(time.Now())
			return reply(data)
		})
	}
	w.extend(time.Now())
	return nil
}

// extend gives the server another stretch of patience.
func (w *wire) extend(now time.Time) {
	if w.patience > 0 {
		w.heard = now
		_ = w.ws.SetReadDeadline(now.Add(w.patience))
	}
}

func (w *wire) send(f *clientv1.ClientFrame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, err := w.sub.append(w.out[:0], f)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	w.out = out
	return w.writeLocked(out)
}

// sendEncoded sends a frame that is encoded already.
func (w *wire) sendEncoded(frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writeLocked(frame)
}

func (w *wire) writeLocked(frame []byte) error {
	if w.writeTimeout > 0 {
		_ = w.ws.SetWriteDeadline(time.Now().Add(w.writeTimeout))
	}
	if err := w.ws.WriteMessage(w.sub.messageType(), frame); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// receive waits for the next frame.
func (w *wire) receive(f *clientv1.ServerFrame) error {
	data, err := w.receiveEncoded()
	if err != nil {
		return err
	}
	return w.decode(data, f)
}

func (w *wire) decode(data []byte, f *clientv1.ServerFrame) error {
	if err := w.sub.decode(data, f); err != nil {
		return fmt.Errorf("%w: decode frame: %w", ErrProtocol, err)
	}
	return nil
}

// receiveEncoded waits for the next frame. What it returns is valid until the
// next call.
func (w *wire) receiveEncoded() ([]byte, error) {
	kind, data, err := w.receiveMessage()
	if err == nil {
		err = w.expect(kind)
	}
	return data, err
}

// expect is nil for the message type of the subprotocol. Messages about zones
// are binary in each.
func (w *wire) expect(kind int) error {
	if kind != w.sub.messageType() {
		return fmt.Errorf("%w: frame of message type %d in %s", ErrProtocol, kind, w.sub)
	}
	return nil
}

// receiveMessage waits for the next message, of any type. What it returns is
// valid until the next call.
func (w *wire) receiveMessage() (kind int, data []byte, err error) {
	kind, r, err := w.ws.NextReader()
	if err != nil {
		return 0, nil, fmt.Errorf("read frame: %w", err)
	}
	in := w.in[:0]
	for {
		if len(in) == cap(in) {
			in = append(in, 0)[:len(in)]
		}
		n, err := r.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		if err == io.EOF {
			w.in = in
			// Setting a deadline costs a timer, too much for every frame.
			if now := time.Now(); now.Sub(w.heard) > w.patience/4 {
				w.extend(now)
			}
			return kind, in, nil
		}
		if err != nil {
			return 0, nil, fmt.Errorf("read frame: %w", err)
		}
	}
}

// close ends the connection; goodbye says so to the server first.
func (w *wire) close(goodbye bool) error {
	if goodbye {
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = w.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	}
	return w.ws.Close()
}
