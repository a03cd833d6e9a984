package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/holdfast-game/holdfast/cluster"
)

func wait(t testing.TB, l *Log, s Stamp) {
	t.Helper()
	if err := l.Wait(testContext(t), s); err != nil {
		t.Fatal(err)
	}
}

// records returns what a reader finds in the log.
func records(t testing.TB, js jetstream.JetStream, name cluster.LogName) (got []Record, entries []int) {
	t.Helper()
	_, _, err := Scan(testContext(t), js, name, 1, 0, func(e *Entry) error {
		got = append(got, e.Records...)
		entries = append(entries, len(e.Records))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, entries
}

// expectRecords checks that the log holds records 0..n-1, each once, in order.
func expectRecords(t testing.TB, js jetstream.JetStream, name cluster.LogName, n int) {
	t.Helper()
	got, _ := records(t, js, name)
	if len(got) != n {
		t.Errorf("got %d records, want %d", len(got), n)
	}
	for i := range min(n, len(got)) {
		if want := testRecord(i); !reflect.DeepEqual(got[i], want) {
			t.Fatalf("record %d: got %+v, want %+v", i, got[i], want)
		}
	}
}

func TestAppendedBecomesDurable(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	var told []Stamp
	cfg := testConfig()
	cfg.OnDurable = func(s Stamp) { told = append(told, s) }
	l := openLog(t, js, cfg)
	if l.End() != 0 || l.Durable() != 0 || l.DurableSeq() != 0 || l.Backlog() != 0 {
		t.Errorf("new log: end %d, durable %d, entry %d, backlog %d", l.End(), l.Durable(), l.DurableSeq(), l.Backlog())
	}
	const n = 10_000
	end := appendRecords(t, l, 0, n)
	wait(t, l, end)
	if end != n || l.Durable() != n || l.Backlog() != 0 {
		t.Errorf("end %d, durable %d, backlog %d; want %d, %d, 0", end, l.Durable(), l.Backlog(), n, n)
	}
	expectRecords(t, js, cfg.Name, n)
	if err := l.Close(testContext(t)); err != nil {
		t.Error(err)
	}
	for i := 1; i < len(told); i++ {
		if told[i] <= told[i-1] {
			t.Errorf("told %d after %d", told[i], told[i-1])
		}
	}
	if len(told) == 0 || told[len(told)-1] != n || len(told) != int(l.DurableSeq()) {
		t.Errorf("told %d times of %d entries, the last time %v", len(told), l.DurableSeq(), told[len(told)-1:])
	}
}

// An idle log commits at once; with two entries in flight all else is one entry.
func TestGroupCommit(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	sent := make(chan *nats.Msg, 100)
	var hold atomic.Bool
	cfg.AckTimeout = 10 * time.Second
	cfg.outgoing = func(m *nats.Msg) bool {
		if !hold.Load() {
			return true
		}
		sent <- m
		return false
	}
	l := openLog(t, js, cfg)
	for i := range 3 {
		wait(t, l, appendRecords(t, l, i, i+1))
		if got, want := l.DurableSeq(), cluster.LogSeq(i+1); got != want {
			t.Fatalf("after append %d: entry %d is durable, want %d", i, got, want)
		}
	}
	hold.Store(true)
	appendRecords(t, l, 3, 4)
	first := <-sent
	appendRecords(t, l, 4, 5)
	second := <-sent
	end := appendRecords(t, l, 5, 1000)
	hold.Store(false)
	for _, m := range []*nats.Msg{first, second} {
		if err := js.Conn().PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, l, end)
	expectRecords(t, js, cfg.Name, 1000)
	if _, entries := records(t, js, cfg.Name); !reflect.DeepEqual(entries, []int{1, 1, 1, 1, 1, 995}) {
		t.Errorf("got entries of %v records", entries)
	}
}

func TestBatchStaysInOneEntry(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	cfg.MaxEntryBytes = minEntryBytes
	l := openLog(t, js, cfg)
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, 0))
	var sizes []int // records of each batch
	for range 300 {
		var batch []byte
		n := 1 + rnd.IntN(4)
		for i := range n {
			batch = AppendRecord(batch, &Record{Kind: "k", ID: fmt.Sprint(len(sizes)), Seq: uint64(i), Event: make([]byte, rnd.IntN(900))})
		}
		if _, err := l.Append(batch, n); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	room := cfg.MaxEntryBytes - headerSize(cfg.Incarnation) - 4
	if _, err := l.Append(make([]byte, room+1), 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a batch larger than an entry: got %v, want %v", err, ErrTooLarge)
	}
	fits := AppendRecord(nil, &Record{Kind: "k", ID: fmt.Sprint(len(sizes)), Event: make([]byte, room-10)})
	fits = AppendRecord(nil, &Record{Kind: "k", ID: fmt.Sprint(len(sizes)), Event: make([]byte, 2*room-10-len(fits))})
	if len(fits) != room {
		t.Fatalf("batch of %d bytes, want %d", len(fits), room)
	}
	end, err := l.Append(fits, 1)
	if err != nil {
		t.Errorf("a batch as large as an entry: %v", err)
	}
	sizes = append(sizes, 1)
	wait(t, l, end)
	batch := 0
	_, _, err = Scan(testContext(t), js, cfg.Name, 1, 0, func(e *Entry) error {
		for i := 0; i < len(e.Records); batch++ {
			for j := range sizes[batch] {
				if i >= len(e.Records) || e.Records[i].ID != fmt.Sprint(batch) {
					t.Fatalf("entry %d ends inside of batch %d, at its record %d", e.Seq, batch, j)
				}
				i++
			}
		}
		return nil
	})
	if err != nil || batch != len(sizes) {
		t.Errorf("read %d batches, want %d: %v", batch, len(sizes), err)
	}
}

// The acknowledgement of an entry is lost: it is sent again, refused, read back
// and durable; it stands in the log once.
func TestLostAcknowledgement(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	cfg.AckTimeout = 20 * time.Millisecond
	reg := prometheus.NewRegistry()
	cfg.Metrics = NewMetrics(reg)
	lost := 0
	cfg.outgoing = func(m *nats.Msg) bool {
		if lost < 3 && len(m.Header) > 0 {
			lost++
			m.Reply = "nobody.listens"
		}
		return true
	}
	l := openLog(t, js, cfg)
	wait(t, l, appendRecords(t, l, 0, 1))
	wait(t, l, appendRecords(t, l, 1, 100))
	expectRecords(t, js, cfg.Name, 100)
	if got := counter(t, reg, "holdfast_journal_read_backs_total"); got < 1 {
		t.Errorf("%v entries were read back, want at least 1", got)
	}
}

func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// Requests are lost and doubled at random: nothing is missing, nothing twice.
func TestUnreliableRequests(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	cfg.AckTimeout = 10 * time.Millisecond
	const seed = 1
	rnd := rand.New(rand.NewPCG(seed, 0))
	cfg.outgoing = func(m *nats.Msg) bool {
		switch rnd.IntN(10) {
		case 0:
			return false
		case 1:
			m.Reply = "nobody.listens"
		case 2:
			_ = js.Conn().PublishMsg(m) // and again by the caller
		}
		return true
	}
	l := openLog(t, js, cfg)
	for i := range 200 {
		end := appendRecords(t, l, i*10, (i+1)*10)
		if i%2 == 0 {
			wait(t, l, end)
		}
	}
	wait(t, l, l.End())
	expectRecords(t, js, cfg.Name, 2000)
}

// The server stops in mid-flight and comes back.
func TestServerRestart(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, 0)
	js := connect(t, s)
	cfg := testConfig()
	cfg.AckTimeout = 50 * time.Millisecond
	l := openLog(t, js, cfg)
	const n = 30_000
	enough := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for i := range n {
			for l.Backlog() > 1000 { // so that appending outlasts the restart
				if err := l.Wait(testContext(t), l.Durable()+1); err != nil {
					t.Error(err)
					return
				}
			}
			appendRecords(t, l, i, i+1)
			if i == n/10 {
				close(enough)
			}
		}
	})
	port := s.Addr().(*net.TCPAddr).Port
	<-enough
	for range 2 {
		stopServer(s)
		before := l.Durable()
		s = startServer(t, dir, port)
		wait(t, l, before+1000)
	}
	done.Wait()
	wait(t, l, n)
	expectRecords(t, js, cfg.Name, n)
}

func TestBufferIsBounded(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	cfg.MaxRecords = 100
	cfg.AckTimeout = 10 * time.Millisecond
	var down atomic.Bool
	down.Store(true)
	cfg.outgoing = func(*nats.Msg) bool { return !down.Load() }
	l := openLog(t, js, cfg)
	appendRecords(t, l, 0, 200)
	if got := l.Backlog(); got != 200 {
		t.Errorf("backlog is %d, want 200", got)
	}
	r := testRecord(200)
	if _, err := l.Append(AppendRecord(nil, &r), 1); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
	down.Store(false)
	wait(t, l, 200)
	appendRecords(t, l, 200, 300)
	wait(t, l, 300)
	expectRecords(t, js, cfg.Name, 300)

	// Large records count for several.
	down.Store(true)
	if _, err := l.Append(AppendRecord(nil, &Record{Event: make([]byte, 50<<10)}), 1); err != nil {
		t.Fatal(err)
	}
	if got := l.Backlog(); got != 51 {
		t.Errorf("backlog with a record of 50 KiB is %d, want 51", got)
	}
	down.Store(false)
}

func TestCloseFlushes(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	l := openLog(t, js, testConfig())
	appendRecords(t, l, 0, 5000)
	if err := l.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(testContext(t)); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	<-l.Done()
	r := testRecord(1)
	if _, err := l.Append(AppendRecord(nil, &r), 1); !errors.Is(err, ErrClosed) || !errors.Is(l.Err(), ErrClosed) {
		t.Errorf("append after close: %v, log: %v; want %v", err, l.Err(), ErrClosed)
	}
	expectRecords(t, js, testConfig().Name, 5000)
	js.Conn().Close()
	stopServer(s)
}

func TestCloseGivesUp(t *testing.T) {
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	l := openLog(t, js, testConfig())
	stopServer(s)
	appendRecords(t, l, 0, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := l.Wait(testContext(t), 10); !errors.Is(err, ErrClosed) {
		t.Errorf("wait: got %v, want %v", err, ErrClosed)
	}
}

func TestConnectionClosedForGood(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	l := openLog(t, js, testConfig())
	js.Conn().Close()
	<-l.Done()
	if !errors.Is(l.Err(), ErrDisconnected) {
		t.Errorf("got %v, want %v", l.Err(), ErrDisconnected)
	}
}

func TestLastProgress(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	cfg := testConfig()
	cfg.AckTimeout = 10 * time.Millisecond
	var down atomic.Bool
	cfg.outgoing = func(*nats.Msg) bool { return !down.Load() }
	l := openLog(t, js, cfg)
	if _, idle := l.LastProgress(); !idle {
		t.Error("a new log is not idle")
	}
	down.Store(true)
	before := time.Now()
	end := appendRecords(t, l, 0, 1)
	began, idle := l.LastProgress()
	if idle || began.Before(before) {
		t.Errorf("with a record waiting: idle %v, progress %v before the append", idle, before.Sub(began))
	}
	appendRecords(t, l, 1, 2)
	if again, _ := l.LastProgress(); !again.Equal(began) {
		t.Errorf("a second record that waits counts as progress")
	}
	down.Store(false)
	wait(t, l, end)
	if now, _ := l.LastProgress(); !now.After(began) {
		t.Error("a commit is no progress")
	}
}

func TestOpenRefusesALogWithEntries(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	l := openLog(t, js, testConfig())
	again, err := Open(testContext(t), js, testConfig())
	if err != nil {
		t.Fatalf("the answer to the first try was lost: %v", err)
	}
	if err := again.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	wait(t, l, appendRecords(t, l, 0, 1))
	if _, err := Open(testContext(t), js, testConfig()); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want %v", err, ErrExists)
	}
}

func TestConfigSaysWhatCannotWork(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"Cluster":       func(c *Config) { c.Cluster = "a.b" },
		"Name":          func(c *Config) { c.Name = "a b" },
		"Incarnation":   func(c *Config) { c.Incarnation = "" },
		"Replicas":      func(c *Config) { c.Replicas = 2 },
		"AckTimeout":    func(c *Config) { c.AckTimeout = -1 },
		"InFlight":      func(c *Config) { c.InFlight = 1000 },
		"MaxEntryBytes": func(c *Config) { c.MaxEntryBytes = 2 << 20 },
		"MaxRecords":    func(c *Config) { c.MaxRecords = -1 },
	} {
		cfg := testConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if err := testConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// Append does not allocate once the buffer is warm.
func TestAppendDoesNotAllocate(t *testing.T) {
	b := newBuffer("n1-7", 512<<10, 65_536)
	for range 3 { // warm
		for range 4000 {
			if _, _, err := b.append(benchRecord, 1); err != nil {
				t.Fatal(err)
			}
		}
		b.release(b.take())
	}
	if got := testing.AllocsPerRun(1000, func() { _, _, _ = b.append(benchRecord, 1) }); got != 0 {
		t.Errorf("%v allocations per append", got)
	}
}
