package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// sealedBehindItsBack has a writer append, somebody else seal, and the writer
// append again, and returns what was wrong with the outcome.
func sealedBehindItsBack(t *testing.T, change func(*nats.Msg)) error {
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	cfg := testConfig()
	cfg.AckTimeout = 20 * time.Millisecond
	var readsLost atomic.Int64
	loseReads := make(chan struct{}) // until it is closed
	cfg.outgoing = func(m *nats.Msg) bool {
		if len(m.Header) > 0 {
			change(m)
			return true
		}
		select {
		case <-loseReads:
			return true
		default:
			readsLost.Add(1)
			return false
		}
	}
	l := openLog(t, js, cfg)
	wait(t, l, appendRecords(t, l, 0, 10))
	last := l.DurableSeq()
	first, err := Seal(testContext(t), connect(t, s), cfg.Name, "n2-9")
	if err != nil {
		t.Fatal(err)
	}
	if first != last+1 {
		t.Fatalf("sealed at %d, want %d", first, last+1)
	}
	r := testRecord(10)
	end, err := l.Append(AppendRecord(nil, &r), 1)
	if err != nil {
		t.Fatal(err)
	}

	// As long as the seal was not read, the refusal is a refusal and no more.
	stuck, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.Wait(stuck, end); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("before the seal could be read: got %w, want %w", err, context.DeadlineExceeded)
	}
	if readsLost.Load() == 0 {
		return errors.New("nobody asked what stands in the entry's place")
	}
	close(loseReads)
	if err := l.Wait(testContext(t), end); !errors.Is(err, ErrFenced) {
		return fmt.Errorf("behind a seal: got %w, want %w", err, ErrFenced)
	}
	if _, err := l.Append(AppendRecord(nil, &r), 1); !errors.Is(err, ErrFenced) {
		return fmt.Errorf("append to a sealed log: got %w, want %w", err, ErrFenced)
	}
	if l.Durable() != 10 || l.DurableSeq() != last {
		return fmt.Errorf("%d records are durable up to entry %d, want 10 up to %d", l.Durable(), l.DurableSeq(), last)
	}
	if err := l.Close(testContext(t)); !errors.Is(err, ErrFenced) {
		return fmt.Errorf("close: got %w, want %w", err, ErrFenced)
	}
	return nil
}

func TestSealFences(t *testing.T) {
	if err := sealedBehindItsBack(t, func(*nats.Msg) {}); err != nil {
		t.Error(err)
	}
}

// The same without the guard that it tests.
func TestSealDoesNotFenceWithoutExpectedSequence(t *testing.T) {
	err := sealedBehindItsBack(t, func(m *nats.Msg) { m.Header.Del(nats.ExpectedLastSeqHdr) })
	if err == nil {
		t.Error("an append without an expected sequence was refused")
	}
	t.Log(err)
}

// The server's answer that all of this rests on.
func TestServerRefusesBehindASeal(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	l := openLog(t, js, testConfig())
	wait(t, l, appendRecords(t, l, 0, 1))
	if _, err := Seal(testContext(t), js, testConfig().Name, "n2-9"); err != nil {
		t.Fatal(err)
	}
	subject := streamConfig(testConfig()).Subjects[0]
	_, err := js.Publish(testContext(t), subject, []byte("x"), jetstream.WithExpectLastSequence(1))
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != 10071 {
		t.Errorf("got %v, want error 10071", err)
	}
}

// Somebody seals while the log is busy: whatever has become durable stands
// before the seal, and readers end there.
func TestSealOfABusyLog(t *testing.T) {
	s := startServer(t, t.TempDir(), 0)
	js, other := connect(t, s), connect(t, s)
	for round := range 20 {
		cfg := testConfig()
		cfg.Name = cluster.LogName(fmt.Sprintf("busy-%d", round))
		cfg.InFlight = 1 + round%4
		l := openLog(t, js, cfg)
		var writer sync.WaitGroup
		var stop atomic.Bool
		writer.Go(func() {
			r := testRecord(0)
			batch := AppendRecord(nil, &r)
			for !stop.Load() {
				end, err := l.Append(batch, 1)
				if err == nil && end%8 == 0 {
					err = l.Wait(testContext(t), end-4)
				}
				if err != nil {
					if !errors.Is(err, ErrFenced) {
						t.Errorf("round %d: got %v, want %v", round, err, ErrFenced)
					}
					return
				}
			}
		})
		wait(t, l, Stamp(50*round))
		first, err := Seal(testContext(t), other, cfg.Name, "n2-9")
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-l.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("round %d: the writer goes on behind the seal", round)
		}
		stop.Store(true)
		writer.Wait()
		if got := l.DurableSeq(); got >= first {
			t.Fatalf("round %d: entry %d is durable, sealed at %d", round, got, first)
		}
		durable := l.Durable()
		var read Stamp
		last, sealed, err := Scan(testContext(t), other, cfg.Name, 1, 0, func(e *Entry) error {
			if read += Stamp(len(e.Records)); e.Seq == l.DurableSeq() && read != durable {
				t.Errorf("round %d: %d records up to the last durable entry, want %d", round, read, durable)
			}
			return nil
		})
		if err != nil || !sealed || last != first-1 || read < durable {
			t.Errorf("round %d: read %d records up to %d, sealed %v, %v; want at least %d up to %d", round, read, last, sealed, err, durable, first-1)
		}
	}
}

// Entries in flight when the seal comes: the one behind the seal's place is
// accepted, and void.
func TestAcknowledgedBehindTheSeal(t *testing.T) {
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	cfg := testConfig()
	cfg.AckTimeout = 100 * time.Millisecond
	var hold atomic.Bool
	lost := make(chan struct{}, 100)
	cfg.outgoing = func(*nats.Msg) bool {
		if hold.Load() {
			lost <- struct{}{}
			return false
		}
		return true
	}
	l := openLog(t, js, cfg)
	wait(t, l, appendRecords(t, l, 0, 1))
	hold.Store(true)
	appendRecords(t, l, 1, 2)
	<-lost
	end := appendRecords(t, l, 2, 3)
	<-lost
	first, err := Seal(testContext(t), js, cfg.Name, "n2-9")
	if err != nil {
		t.Fatal(err)
	}
	hold.Store(false)
	if err := l.Wait(testContext(t), end); !errors.Is(err, ErrFenced) {
		t.Errorf("got %v, want %v", err, ErrFenced)
	}
	if first != 2 || l.DurableSeq() != 1 {
		t.Errorf("sealed at %d, durable up to %d; want 2, 1", first, l.DurableSeq())
	}
	// The writer has resent entry 3 behind the seal, where it is accepted.
	info, err := l.stream.Info(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.State.LastSeq != 3 {
		t.Errorf("the stream ends with %d, want 3: an entry behind the seal", info.State.LastSeq)
	}
	expectRecords(t, js, cfg.Name, 1)
}

func TestSealOfALogNeverWritten(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	l := openLog(t, js, testConfig())
	first, err := Seal(testContext(t), js, testConfig().Name, "n2-9")
	if err != nil || first != 1 {
		t.Errorf("sealed at %d, %v; want 1", first, err)
	}
	if err := l.Wait(testContext(t), appendRecords(t, l, 0, 1)); !errors.Is(err, ErrFenced) {
		t.Errorf("got %v, want %v", err, ErrFenced)
	}
}

func TestSealAgainFindsTheFirst(t *testing.T) {
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	l := openLog(t, js, testConfig())
	wait(t, l, appendRecords(t, l, 0, 5))
	want := l.DurableSeq() + 1
	var sealers sync.WaitGroup
	for i := range 5 {
		conn := connect(t, s)
		sealers.Go(func() {
			for range 3 {
				got, err := Seal(testContext(t), conn, testConfig().Name, cluster.Incarnation(fmt.Sprintf("n%d-1", i)))
				if err != nil || got != want {
					t.Errorf("sealed at %d, %v; want %d", got, err, want)
				}
			}
		})
	}
	sealers.Wait()
}

func TestSealOfNoLog(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	if _, err := Seal(testContext(t), js, "nothing", "n2-9"); !errors.Is(err, ErrNoLog) {
		t.Errorf("got %v, want %v", err, ErrNoLog)
	}
	s := startServer(t, t.TempDir(), 0)
	away := connect(t, s)
	stopServer(s)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Seal(ctx, away, "nothing", "n2-9"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: got %v, want %v", err, context.DeadlineExceeded)
	}
}
