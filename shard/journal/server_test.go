package journal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// startServer starts a server that syncs every write. With port 0 it takes any.
func startServer(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return runServer(t, serverOptions(dir, port))
}

func serverOptions(dir string, port int) *server.Options {
	return &server.Options{
		Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: true,
	}
}

func runServer(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server does not start")
	}
	t.Cleanup(func() { stopServer(s) })
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// connect returns a connection as a node would have it.
func connect(t testing.TB, s *server.Server, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	opts = append([]nats.Option{
		nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(5 * time.Millisecond),
	}, opts...)
	nc, err := nats.Connect(s.ClientURL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func testConfig() Config {
	return Config{Cluster: "c1", Name: "hf_c1_log_n1-7", Incarnation: "n1-7"}
}

func openLog(t testing.TB, js jetstream.JetStream, cfg Config) *Log {
	t.Helper()
	l, err := Open(testContext(t), js, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.Close(ctx) // tests that care have closed it before
	})
	return l
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// testRecord is the i-th record of a log in these tests.
func testRecord(i int) Record {
	return Record{
		Shard: cluster.ShardID(i % 64), Epoch: 3, Kind: "player", ID: fmt.Sprintf("p%d", i%100),
		Seq: uint64(i/100 + 1), Event: fmt.Appendf(nil, "event %d", i),
	}
}

// appendRecords appends records from..to-1, one batch each, and returns the end.
func appendRecords(t testing.TB, l *Log, from, to int) Stamp {
	t.Helper()
	var batch []byte
	for i := from; i < to; i++ {
		r := testRecord(i)
		batch = AppendRecord(batch[:0], &r)
		if _, err := l.Append(batch, 1); err != nil {
			t.Fatalf("append record %d: %v", i, err)
		}
	}
	return l.End()
}
