package devstack_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/holdfast-game/holdfast/internal/devstack"
)

// clusterOf starts all members in this process.
func clusterOf(t *testing.T, n int) ([]devstack.Member, map[string]*devstack.MemberServer) {
	t.Helper()
	members, release, err := devstack.NewMembers(t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	servers := make(map[string]*devstack.MemberServer)
	for _, m := range members {
		servers[m.Name] = startMember(t, m.Name, members)
	}
	awaitMembers(t, members)
	return members, servers
}

func startMember(t *testing.T, name string, members []devstack.Member) *devstack.MemberServer {
	t.Helper()
	s, err := devstack.StartMember(name, members, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func awaitMembers(t *testing.T, members []devstack.Member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := devstack.AwaitMembers(ctx, members); err != nil {
		t.Fatal(err)
	}
}

// Most of the members are enough to write, and one that was away has its data
// and its addresses when it is back.
func TestMembersServeWithoutOneOfThem(t *testing.T) {
	members, servers := clusterOf(t, 3)
	etcd, err := clientv3.New(clientv3.Config{Endpoints: devstack.EtcdURLs(members), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Close()
	nc, err := nats.Connect(strings.Join(devstack.NATSURLs(members), ","), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	write := func(want uint64) {
		t.Helper()
		// NATS takes up to 9 s to choose a new leader for a stream.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := etcd.Put(ctx, "/key", "value"); err != nil {
			t.Fatalf("write to etcd: %v", err)
		}
		for {
			if publish(ctx, js, stream, want) {
				return
			}
			if ctx.Err() != nil {
				t.Fatal("write to NATS: no success in time")
			}
		}
	}
	write(1)
	servers["etcd-1"].Close()
	servers["nats-1"].Close()
	write(2)
	startMember(t, "etcd-1", members)
	startMember(t, "nats-1", members)
	awaitMembers(t, members)
	servers["etcd-2"].Close()
	servers["nats-2"].Close()
	write(3)
}

// publish makes one attempt to write a message, and says whether it is there.
func publish(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, seq uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // nobody may answer
	defer cancel()
	if ack, err := js.Publish(ctx, "s", nil, jetstream.WithExpectLastSequence(seq-1)); err == nil {
		return ack.Sequence == seq
	}
	info, err := stream.Info(ctx) // the answer may have been lost, and not the message
	return err == nil && info.State.LastSeq == seq
}

func TestMemberThatFailsIsNoticed(t *testing.T) {
	members, release, err := devstack.NewMembers(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, m := range members {
		s := startMember(t, m.Name, members)
		done := make(chan error)
		go func() { done <- s.Wait(t.Context()) }()
		s.Close()
		if err := <-done; err == nil {
			t.Errorf("%s: Wait returned nil although the server is gone", m.Name)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		again := startMember(t, m.Name, members)
		if err := again.Wait(ctx); err != nil {
			t.Errorf("%s: Wait returned %v although only the caller went away", m.Name, err)
		}
	}
}

func TestReservedPortIsGivenToNobodyElse(t *testing.T) {
	members, release, err := devstack.NewMembers(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := devstack.Reserve(members); err != nil {
		t.Errorf("reserve again, as the same program does after a restart: %v", err)
	}
	l, err := net.Listen("tcp", members[0].Client)
	if err != nil {
		t.Fatalf("the reservation keeps the member itself out: %v", err)
	}
	if _, err := devstack.Reserve(members); err == nil {
		t.Error("reserved a port that somebody listens on")
	}
	l.Close()
	release()
}

func TestStartMemberRefuses(t *testing.T) {
	good := devstack.Member{Name: "etcd-1", Role: "etcd", Client: "127.0.0.1:1", Peer: "127.0.0.1:2", Dir: t.TempDir()}
	change := func(f func(*devstack.Member)) []devstack.Member {
		m := good
		f(&m)
		return []devstack.Member{m}
	}
	for want, all := range map[string][]devstack.Member{
		"no such member": {},
		"Role":           change(func(m *devstack.Member) { m.Role = "redis" }),
		"Client":         change(func(m *devstack.Member) { m.Client = "127.0.0.1:0" }),
		"Peer":           change(func(m *devstack.Member) { m.Peer = "somewhere:1" }),
		"Dir":            change(func(m *devstack.Member) { m.Dir = "" }),
	} {
		s, err := devstack.StartMember("etcd-1", all, slog.New(slog.DiscardHandler))
		if err == nil {
			s.Close()
			err = errors.New("started")
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %q", err, want)
		}
	}
}
