package journal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startReplicas starts three servers that keep streams among them.
func startReplicas(t *testing.T) []*server.Server {
	t.Helper()
	// Each must know where the others will be, so ports are found beforehand.
	var servers []*server.Server
	var routes []*url.URL
	var ports []int
	var listeners []net.Listener
	for range 3 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, free)
		ports = append(ports, free.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: free.Addr().String()})
	}
	for i := range 3 {
		if err := listeners[i].Close(); err != nil {
			t.Fatal(err)
		}
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("s%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]},
			Routes:  routes,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { stopServer(s) })
		servers = append(servers, s)
	}
	for _, s := range servers {
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("nats-server does not start")
		}
	}
	return servers
}

// The leader of a replicated log steps down and then its server stops, while
// records are appended; then somebody seals it. Nothing that was durable is
// missing, nothing stands twice, and the writer is fenced.
func TestReplicatedLog(t *testing.T) {
	servers := startReplicas(t)
	js := connect(t, servers[0], nats.DontRandomize())
	cfg := testConfig()
	cfg.Replicas = 3
	cfg.AckTimeout = 100 * time.Millisecond
	var l *Log
	for ctx := testContext(t); l == nil; { // until the servers have found each other
		var err error
		try, cancel := context.WithTimeout(ctx, time.Second)
		if l, err = Open(try, js, cfg); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
		cancel()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = l.Close(ctx) // fenced by then
	})

	stop := make(chan struct{})
	var appended int
	var writer sync.WaitGroup
	writer.Go(func() {
		for ; ; appended++ {
			select {
			case <-stop:
				return
			default:
			}
			r := testRecord(appended)
			end, err := l.Append(AppendRecord(nil, &r), 1)
			if err == nil && end > 200 {
				err = l.Wait(testContext(t), end-200)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wait(t, l, 1000)
	if _, err := js.Conn().Request("$JS.API.STREAM.LEADER.STEPDOWN."+string(cfg.Name), nil, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	wait(t, l, l.Durable()+2000)
	info, err := l.stream.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	leader := info.Cluster.Leader
	stopped := slices.IndexFunc(servers, func(s *server.Server) bool { return s.Name() == leader })
	stopServer(servers[stopped]) // the one that the writer is connected to, sometimes
	wait(t, l, l.Durable()+2000)
	close(stop)
	writer.Wait()
	wait(t, l, l.End())

	other := connect(t, servers[(stopped+1)%3])
	first, err := Seal(testContext(t), other, cfg.Name, "n2-9")
	if err != nil {
		t.Fatal(err)
	}
	durable := l.DurableSeq()
	r := testRecord(appended)
	end, err := l.Append(AppendRecord(nil, &r), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(testContext(t), end); !errors.Is(err, ErrFenced) {
		t.Errorf("behind a seal: got %v, want %v", err, ErrFenced)
	}
	if first != durable+1 {
		t.Errorf("sealed at %d, want %d", first, durable+1)
	}
	expectRecords(t, other, cfg.Name, appended)
	t.Logf("%d records in %d entries", appended, durable)
}
