package replay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"
	"go.uber.org/goleak"
)

// TestMain makes the test binary a program that the package can start: with the
// argument "replay" it is the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "replay" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		root := &cobra.Command{Use: "holdfast"}
		root.AddCommand(Command("test"))
		if root.ExecuteContext(ctx) != nil {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "null" {
		serveNothing(os.Args[2:])
		return
	}
	// A child with the race detector would take a second to end.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(program.dir)
		os.Exit(status)
	}))
}

// serveNothing answers everything, without looking, until it is killed: over TLS
// with the files of a certificate and its key.
func serveNothing(files []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	scheme := "ws"
	if len(files) > 0 {
		host, err := tls.LoadX509KeyPair(files[0], files[1])
		if err != nil {
			panic(err)
		}
		l, scheme = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{host}}), "wss"
	}
	fmt.Printf("%s://%s/v1/ws\n", scheme, l.Addr())
	upgrader := websocket.Upgrader{Subprotocols: []string{"holdfast.v1.proto"}}
	panic(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for first := true; ; first = false {
			_, frame, err := ws.ReadMessage()
			if err != nil {
				return
			}
			// The number of a request stands at its front: what is behind it becomes a
			// Welcome, or a Pong, with nothing in it.
			end := 1
			for frame[end] >= 0x80 {
				end++
			}
			body := byte(4<<3 | 2)
			if first {
				body = 3<<3 | 2
			}
			if ws.WriteMessage(websocket.BinaryMessage, append(frame[:end+1], body, 0)) != nil {
				return
			}
		}
	})))
}
