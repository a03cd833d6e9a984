package devstack_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/holdfast-game/holdfast/internal/devstack"
)

func TestStackServesAndKeepsItsData(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(),
		// glog's flusher, started once by a library of etcd.
		goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
	dir := t.TempDir()
	for life, want := range []string{"", "first"} {
		func() {
			began := time.Now()
			s := start(t, devstack.Config{Dir: dir, NATSInProcess: life == 1})
			defer s.Close()
			t.Logf("life %d: started in %s", life, time.Since(began))

			if got := etcdValue(t, s); got != want {
				t.Errorf("life %d: etcd holds %q, want %q", life, got, want)
			}
			if got := streamMessages(t, s); got != uint64(life) {
				t.Errorf("life %d: the stream holds %d messages, want %d", life, got, life)
			}
			if got := s.NATSURL() == ""; got != (life == 1) {
				t.Errorf("life %d: NATS has URL %q", life, s.NATSURL())
			}
		}()
	}
}

// etcdValue returns what the key held and sets it.
func etcdValue(t *testing.T, s *devstack.Stack) string {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: s.EtcdEndpoints(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Get(t.Context(), "/key")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(t.Context(), "/key", "first"); err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) == 0 {
		return ""
	}
	return string(got.Kvs[0].Value)
}

// streamMessages returns how many messages the stream held and adds one.
func streamMessages(t *testing.T, s *devstack.Stack) uint64 {
	t.Helper()
	nc, err := s.ConnectNATS()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("x")); err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestNATSIsReachedOverTheNetwork(t *testing.T) {
	s := devstack.Test(t)
	nc, err := nats.Connect(s.NATSURL())
	if err != nil {
		t.Fatalf("connect to %s: %v", s.NATSURL(), err)
	}
	nc.Close()
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()

	for name, tc := range map[string]struct {
		cfg  devstack.Config
		want string
	}{
		"no folder":         {devstack.Config{}, "Dir"},
		"etcd's port taken": {devstack.Config{Dir: t.TempDir(), EtcdListen: addr}, addr},
		"NATS's port taken": {devstack.Config{Dir: t.TempDir(), NATSListen: addr}, addr},
		"a host name":       {devstack.Config{Dir: t.TempDir(), EtcdListen: "example.com:1"}, "EtcdListen"},
		"no port":           {devstack.Config{Dir: t.TempDir(), NATSListen: "127.0.0.1"}, "NATSListen"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := devstack.Start(t.Context(), tc.cfg)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not name %q", err, tc.want)
			}
		})
	}
}

func start(t *testing.T, cfg devstack.Config) *devstack.Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := devstack.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return s
}
