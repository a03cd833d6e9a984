package world

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/holdfast-game/holdfast/client"
)

// bareServerCommand is the hidden subcommand that the baseline runs.
const bareServerCommand = "bare-server"

// bareServer is as little as a broadcasting WebSocket server can be: gorilla's
// defaults, a goroutine that reads for each connection, and one that writes each
// snapshot, prepared once, to all of them in turn. It checks nobody, encodes
// nothing but the number of the tick, and lets no connection lag: it is there to
// compare with, at its best.
type bareServer struct {
	trace trace
	hz    int

	mu    sync.Mutex
	conns []*websocket.Conn // guarded by mu
}

// serve prints its URL and the moment of tick 0 to w, and serves until ctx ends.
func (b *bareServer) serve(ctx context.Context, w io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	start := time.Now()
	if _, err := fmt.Fprintf(w, "ws://%s/v1/ws %d\n", l.Addr(), start.UnixNano()); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	var broadcast sync.WaitGroup
	if len(b.trace) > 0 {
		broadcast.Go(func() { b.broadcast(ctx, start) })
	}
	err = server.Serve(l)
	broadcast.Wait()
	if ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (b *bareServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{Subprotocols: []string{string(client.Binary)}}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	b.mu.Lock()
	b.conns = append(b.conns, ws)
	b.mu.Unlock()
	for {
		if _, _, err := ws.NextReader(); err != nil {
			_ = ws.Close() // and so the next write to it fails
			return
		}
	}
}

// broadcast sends tick n at start + n/hz.
func (b *bareServer) broadcast(ctx context.Context, start time.Time) {
	var message []byte
	for tick := uint32(1); ; tick++ {
		due := start.Add(time.Duration(tick) * time.Second / time.Duration(b.hz))
		if !pause(ctx, time.Until(due)) {
			return
		}
		message = append(appendNumber(message[:0], snapshotTick, tick), b.trace[int(tick)%len(b.trace)]...)
		prepared, err := websocket.NewPreparedMessage(websocket.BinaryMessage, message)
		if err != nil {
			return // for texts that are not UTF-8 only
		}
		b.mu.Lock()
		left := b.conns[:0]
		for _, ws := range b.conns {
			if ws.WritePreparedMessage(prepared) == nil {
				left = append(left, ws)
			}
		}
		clear(b.conns[len(left):])
		b.conns = left
		b.mu.Unlock()
	}
}

// serveBare is the hidden subcommand.
func serveBare(ctx context.Context, w io.Writer, file string, hz int) error {
	b := &bareServer{hz: hz}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("read trace: %w", err)
		}
		b.trace, err = readTrace(f)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	return b.serve(ctx, w)
}
