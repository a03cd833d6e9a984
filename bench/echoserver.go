package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// echoServerCommand is the hidden subcommand that Echo runs.
const echoServerCommand = "echo-server"

// echoBuffer is the size of a connection's buffers, as the client's.
const echoBuffer = 2048

// serveEcho prints its URL to w and echoes until ctx ends: one Welcome for the
// client's Hello, then every message as it came.
func serveEcho(ctx context.Context, w io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if _, err := fmt.Fprintf(w, "ws://%s/v1/ws\n", l.Addr()); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve echo: %w", err)
	}
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{
		Subprotocols: []string{string(client.Binary)}, ReadBufferSize: echoBuffer, WriteBufferSize: echoBuffer,
	}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer ws.Close()
	var hello clientv1.ClientFrame
	if _, data, err := ws.ReadMessage(); err != nil || proto.Unmarshal(data, &hello) != nil {
		return
	}
	welcome, err := proto.Marshal(&clientv1.ServerFrame{Seq: hello.Seq, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{}}})
	if err != nil {
		return
	}
	if ws.WriteMessage(websocket.BinaryMessage, welcome) != nil {
		return
	}
	message := make([]byte, echoBuffer)
	for {
		kind, in, err := ws.NextReader()
		if err != nil {
			return
		}
		n, err := io.ReadFull(in, message)
		if !errors.Is(err, io.ErrUnexpectedEOF) { // it must end before the buffer does
			return
		}
		if ws.WriteMessage(kind, message[:n]) != nil {
			return
		}
	}
}
