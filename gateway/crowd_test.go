package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/gateway"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// crowdEnv makes the test binary a crowd of clients that say Hello and then
// little, so that what they use is not the gateway's: url, token, zone, how many.
const crowdEnv = "HOLDFAST_TEST_CROWD"

// crowd connects, says so, and stays until its input ends. With a token it says
// Hello, with a zone it enters that to look on; it reads whatever comes.
func crowd(task string) error {
	words := strings.Fields(task)
	url, token, zone := words[0], words[1], words[2]
	n, err := strconv.Atoi(words[3])
	if err != nil {
		return err
	}
	d := websocket.Dialer{Subprotocols: []string{gateway.SubprotocolProto}, ReadBufferSize: 256, WriteBufferSize: 256}
	for range n {
		ws, _, err := d.Dial(url, nil)
		if err != nil {
			return err
		}
		defer ws.Close()
		if token != "-" {
			err = tell(ws, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: token}}})
		}
		if zone != "-" && err == nil {
			err = tell(ws, enter(zone, true, nil))
		}
		if err != nil {
			return err
		}
		go func() {
			for {
				if _, _, err := ws.NextReader(); err != nil {
					return
				}
			}
		}()
	}
	fmt.Println("connected")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// tell sends a frame and reads the reply.
func tell(ws *websocket.Conn, f *clientv1.ClientFrame) error {
	data, err := proto.Marshal(f)
	if err == nil {
		err = ws.WriteMessage(websocket.BinaryMessage, data)
	}
	if err == nil {
		_, _, err = ws.ReadMessage()
	}
	return err
}

// startCrowd starts a crowd and waits until it is connected.
func startCrowd(b *testing.B, url, token, zone string, n int) (end func()) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s %d", crowdEnv, url, token, zone, n))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "connected\n" {
		b.Fatal(line, err)
	}
	return func() {
		_ = in.Close()
		if err := child.Wait(); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkIdle measures what a connection costs that says nothing: the growth of
// the process's resident memory, and of its heap and stacks.
func BenchmarkIdle(b *testing.B) {
	const n = 5000
	b.Run("gateway", func(b *testing.B) {
		h := open(b, func(c *gateway.Config, _ *house) { c.RequestsPerSecond = 20 })
		idle(b, h.url(), token(b, "ann"), n, nil)
	})
	b.Run("gateway/pinged", func(b *testing.B) {
		h := open(b, func(c *gateway.Config, _ *house) { c.RequestsPerSecond, c.PingInterval = 20, 2*time.Second })
		idle(b, h.url(), token(b, "ann"), n, func() {
			// Each was pinged a few times, and has answered.
			before := h.count(b, "flushes_total", "")
			eventually(b, func() bool { return h.count(b, "flushes_total", "") > before+3*n })
		})
	})
	b.Run("bare", func(b *testing.B) {
		var up websocket.Upgrader
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := up.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer ws.Close()
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
			}
		}))
		defer srv.Close()
		idle(b, "ws"+strings.TrimPrefix(srv.URL, "http"), "-", n, nil)
	})
}

func idle(b *testing.B, url, token string, n int, then func()) {
	for range b.N {
		runtime.GC()
		before, heap, stacks := memory(b)
		end := startCrowd(b, url, token, "-", n)
		if then != nil {
			then()
		}
		after, _, _ := memory(b)
		b.ReportMetric(float64(after-before)/float64(n), "rss-B/conn")
		// What is in use, once the garbage of connecting is gone.
		runtime.GC()
		runtime.GC()
		_, heapAfter, stacksAfter := memory(b)
		b.ReportMetric(float64(heapAfter-heap)/float64(n), "heap-B/conn")
		b.ReportMetric(float64(stacksAfter-stacks)/float64(n), "stack-B/conn")
		end()
	}
}

// memory is what the process has: resident, live heap, stacks.
func memory(b *testing.B) (resident, heap, stacks int64) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("resident memory is only measured on Linux")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return pages * int64(os.Getpagesize()), int64(m.HeapAlloc), int64(m.StackInuse)
}
