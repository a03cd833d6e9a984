package journal

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// filler is another user of the server's store.
type filler struct {
	t      *testing.T
	js     jetstream.JetStream
	stream jetstream.Stream
}

func newFiller(t *testing.T, js jetstream.JetStream) *filler {
	t.Helper()
	s, err := js.CreateStream(testContext(t), jetstream.StreamConfig{Name: "FILLER", Subjects: []string{"filler"}})
	if err != nil {
		t.Fatal(err)
	}
	return &filler{t, js, s}
}

// fill writes until the server has no room.
func (f *filler) fill() {
	f.t.Helper()
	for {
		_, err := f.js.Publish(testContext(f.t), "filler", bytes.Repeat([]byte{1}, 256<<10))
		if StoreFull(err) {
			return
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// limitedServer has room for a few MiB.
func limitedServer(t *testing.T) *server.Server {
	t.Helper()
	opts := serverOptions(t.TempDir(), server.RANDOM_PORT)
	opts.JetStreamMaxStore = 4 << 20
	return runServer(t, opts)
}

func TestALogWaitsForRoom(t *testing.T) {
	js := connect(t, limitedServer(t))
	ctx := testContext(t)
	refusals := make(chan struct{}, 1)
	cfg := testConfig()
	cfg.OnFull = func() {
		select {
		case refusals <- struct{}{}:
		default:
		}
	}
	l := openLog(t, js, cfg)
	if err := l.Wait(ctx, appendRecords(t, l, 0, 10)); err != nil {
		t.Fatal(err)
	}
	f := newFiller(t, js)
	f.fill()
	if l.Full() {
		t.Error("full before anything was refused")
	}
	end := appendRecords(t, l, 10, 20)
	for range 2 { // it asks again and again
		select {
		case <-refusals:
		case <-ctx.Done():
			t.Fatal("the log was never told that the store is full")
		}
	}
	if !l.Full() || l.Durable() != 10 {
		t.Errorf("full %t, %d durable, want full and 10", l.Full(), l.Durable())
	}
	if _, err := Seal(ctx, js, cfg.Name, "n2-8"); !errors.Is(err, ErrStoreFull) {
		t.Errorf("seal: got %v, want ErrStoreFull", err)
	}
	if err := f.stream.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(ctx, end); err != nil {
		t.Fatal(err)
	}
	if l.Full() {
		t.Error("full, although everything is durable")
	}
	if _, err := Seal(ctx, js, cfg.Name, "n2-8"); err != nil {
		t.Errorf("seal when there is room: %v", err)
	}
}

// That a store was full must not hide for long that its server is gone.
func TestASilentServerIsNotAFullOne(t *testing.T) {
	s := limitedServer(t)
	js := connect(t, s)
	l := openLog(t, js, testConfig())
	newFiller(t, js).fill()
	appendRecords(t, l, 0, 1)
	full := func(want bool) {
		t.Helper()
		for ctx := testContext(t); l.Full() != want; {
			select {
			case <-ctx.Done():
				t.Fatalf("full stays %t", !want)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	full(true)
	stopServer(s)
	full(false)
}

func TestWhatSaysThatTheStoreIsFull(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{nats.ErrTimeout, false},
		{&jetstream.APIError{ErrorCode: 10071}, false},
		{&jetstream.APIError{ErrorCode: 10023}, true},
		{&jetstream.APIError{ErrorCode: 10002}, true},
		{ErrStoreFull, true},
	} {
		if got := StoreFull(tc.err); got != tc.want {
			t.Errorf("%v: got %t, want %t", tc.err, got, tc.want)
		}
	}
}
