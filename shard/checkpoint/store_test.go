package checkpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func openStore(t testing.TB) (*Store, jetstream.JetStream) {
	t.Helper()
	s, js, _ := openStoreOf(t)
	return s, js
}

// openStoreOf returns the server as well.
func openStoreOf(t testing.TB) (*Store, jetstream.JetStream, *server.Server) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		DontListen: true, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server does not start")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), js, "c1", 1)
	if err != nil {
		t.Fatal(err)
	}
	return s, js, srv
}

// testActors makes n actors whose states do not compress.
func testActors(seed uint64, n, stateBytes int) []Actor {
	rnd := rand.New(rand.NewPCG(seed, 1))
	out := make([]Actor, n)
	for i := range out {
		state := make([]byte, rnd.IntN(stateBytes))
		for j := 0; j+8 <= len(state); j += 8 {
			binary.LittleEndian.PutUint64(state[j:], rnd.Uint64())
		}
		out[i] = Actor{Kind: "player", ID: fmt.Sprintf("p%d", i), Seq: rnd.Uint64N(1000), State: state}
	}
	return out
}

func yieldAll(actors []Actor) func(func(Actor) error) error {
	return func(yield func(Actor) error) error {
		for _, a := range actors {
			if err := yield(a); err != nil {
				return err
			}
		}
		return nil
	}
}

func write(t testing.TB, s *Store, n int, actors []Actor) *clusterv1.Part {
	t.Helper()
	p, err := s.Write(t.Context(), 7, 3, n, yieldAll(actors))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t testing.TB, s *Store, parts ...*clusterv1.Part) []Actor {
	t.Helper()
	var got []Actor
	if err := s.Read(t.Context(), parts, func(a Actor) error { got = append(got, a); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	s, _ := openStore(t)
	for _, tt := range []struct{ actors, state int }{{0, 1}, {1, 100}, {1000, 2000}, {3, 1 << 20}} {
		want := testActors(1, tt.actors, tt.state)
		got := read(t, s, write(t, s, tt.actors, want))
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%d actors of %d bytes: read %d others", tt.actors, tt.state, len(got))
		}
	}
}

func TestDifferencesComeAfterTheBase(t *testing.T) {
	s, _ := openStore(t)
	base := testActors(1, 10, 50)
	changed := []Actor{{Kind: "player", ID: "p3", Seq: 2000, State: []byte("newer")}, {Kind: "stock", ID: "x/0", Seq: 1, State: []byte{}}}
	newest := make(map[string]Actor)
	for _, a := range read(t, s, write(t, s, 0, base), write(t, s, 1, changed)) {
		newest[a.Kind+"/"+a.ID] = a
	}
	if len(newest) != 11 || string(newest["player/p3"].State) != "newer" {
		t.Errorf("got %d actors, p3 with %q", len(newest), newest["player/p3"].State)
	}
}

func TestReadRefusesWhatWasNotWritten(t *testing.T) {
	s, js := openStore(t)
	part := write(t, s, 0, testActors(1, 100, 10_000))
	clone := func(change func(*clusterv1.Part)) *clusterv1.Part {
		p := &clusterv1.Part{Object: part.Object, Digest: part.Digest, Bytes: part.Bytes}
		change(p)
		return p
	}
	// The object's second chunk, removed from the stream behind the store's back.
	damaged := write(t, s, 1, testActors(2, 100, 10_000))
	stream, err := js.Stream(t.Context(), "OBJ_"+s.bucket)
	if err != nil {
		t.Fatal(err)
	}
	last, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), last.State.LastSeq-1); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		part *clusterv1.Part
		want error
	}{
		"other digest":  {clone(func(p *clusterv1.Part) { p.Digest = damaged.Digest }), ErrCorrupt},
		"other size":    {clone(func(p *clusterv1.Part) { p.Bytes++ }), ErrCorrupt},
		"no such name":  {clone(func(p *clusterv1.Part) { p.Object = "shard-1-epoch-1-1" }), ErrNotFound},
		"chunk is gone": {damaged, ErrCorrupt},
	} {
		err := s.Read(t.Context(), []*clusterv1.Part{tt.part}, func(Actor) error {
			t.Errorf("%s: an actor was passed on", name)
			return io.EOF
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestBrokenOffWriteLeavesNothing(t *testing.T) {
	s, _ := openStore(t)
	broken := errors.New("broken off")
	_, err := s.Write(t.Context(), 7, 3, 0, func(yield func(Actor) error) error {
		for _, a := range testActors(1, 100, 20_000) {
			if err := yield(a); err != nil {
				return err
			}
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	expectEmpty(t, s)
}

func TestWriteEndsWithItsContext(t *testing.T) {
	s, _ := openStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Write(ctx, 7, 3, 0, func(yield func(Actor) error) error {
		for i := 0; ; i++ {
			if i == 50 {
				cancel()
			}
			if err := yield(Actor{Kind: "player", ID: fmt.Sprint(i), State: testActors(uint64(i), 1, 1<<20)[0].State}); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestSweepRemovesWhatWasBrokenOff(t *testing.T) {
	s, js := openStore(t)
	want := testActors(1, 50, 10_000)
	part := write(t, s, 0, want)
	deleted := write(t, s, 1, want)
	if err := s.Delete(t.Context(), deleted.Object); err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // chunks of a writer that has crashed
		if _, err := js.Publish(t.Context(), s.subjects("C")+"crashed", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{time.Hour, 0}, {0, 1}, {0, 0}} {
		if got, err := s.Sweep(t.Context(), tt.age); err != nil || got != tt.want {
			t.Errorf("older than %s: removed %d, %v; want %d", tt.age, got, err, tt.want)
		}
	}
	if got := read(t, s, part); !reflect.DeepEqual(got, want) {
		t.Error("an object was damaged")
	}
	if err := s.Delete(t.Context(), part.Object); err != nil {
		t.Fatal(err)
	}
	expectEmpty(t, s)
}

// A server that goes silent in the middle of an object holds nobody up for long.
func TestReadThatStalls(t *testing.T) {
	s, _, srv := openStoreOf(t)
	part := write(t, s, 0, testActors(3, 200, 4096))
	silent := &silencer{Server: srv, gate: make(chan struct{})}
	nc, err := nats.Connect("", nats.InProcessServer(silent))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(silent.gate); nc.Close() })
	slow, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), slow, "c1", 1)
	if err != nil {
		t.Fatal(err)
	}
	other.stall = 200 * time.Millisecond
	if err := other.Read(t.Context(), []*clusterv1.Part{part}, func(Actor) error { return nil }); err != nil {
		t.Fatalf("before the silence: %v", err)
	}
	silent.quiet.Store(true)
	err = other.Read(t.Context(), []*clusterv1.Part{part}, func(Actor) error { return nil })
	if !errors.Is(err, errStalled) {
		t.Errorf("got %v, want %v", err, errStalled)
	}
}

// silencer makes connections from which nothing can be read once they are quiet.
type silencer struct {
	*server.Server
	quiet atomic.Bool
	gate  chan struct{}
}

func (s *silencer) InProcessConn() (net.Conn, error) {
	c, err := s.Server.InProcessConn()
	return &quietConn{c, s}, err
}

type quietConn struct {
	net.Conn
	s *silencer
}

func (c *quietConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.s.quiet.Load() {
		<-c.s.gate
	}
	return n, err
}

func TestDeleteLeavesNothing(t *testing.T) {
	s, _ := openStore(t)
	for i := range 3 {
		write(t, s, i, testActors(uint64(i), 10, 1000))
	}
	names, err := s.List(t.Context())
	if err != nil || len(names) != 3 {
		t.Fatalf("got %v, %v; want 3 names", names, err)
	}
	for _, n := range names {
		if err := s.Delete(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), n); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleted twice: got %v, want %v", err, ErrNotFound)
		}
	}
	expectEmpty(t, s)
}

func expectEmpty(t *testing.T, s *Store) {
	t.Helper()
	if names, err := s.List(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("list: got %v, %v; want nothing", names, err)
	}
	info, err := s.stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 0 {
		t.Errorf("%d messages are left", info.State.Msgs)
	}
}

func TestOpenTwice(t *testing.T) {
	s, js := openStore(t)
	want := testActors(1, 10, 100)
	part := write(t, s, 0, want)
	again, err := Open(t.Context(), js, "c1", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, again, part); !reflect.DeepEqual(got, want) {
		t.Errorf("got %d actors that differ", len(got))
	}
}

func TestTooLargeStateIsRefused(t *testing.T) {
	s, _ := openStore(t)
	_, err := s.Write(t.Context(), 7, 3, 0, yieldAll([]Actor{{Kind: "player", ID: "p", State: make([]byte, maxState+1)}}))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

func BenchmarkWrite(b *testing.B) {
	s, _ := openStore(b)
	actors := testActors(1, 10_000, 1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		write(b, s, i, actors)
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "actors/s")
}

func BenchmarkRead(b *testing.B) {
	s, _ := openStore(b)
	part := write(b, s, 0, testActors(1, 10_000, 1000))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Read(b.Context(), []*clusterv1.Part{part}, func(Actor) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "actors/s")
}
