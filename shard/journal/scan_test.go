package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// crafted counts the logs that tests have made.
var crafted atomic.Int64

// craftLog makes a log of raw messages, as nobody should. Messages of nil are
// seals.
func craftLog(t *testing.T, js jetstream.JetStream, messages ...[]byte) cluster.LogName {
	t.Helper()
	cfg := testConfig().withDefaults()
	// Each has a name of its own: the server may still answer for a stream that was
	// deleted when another of the same name is there.
	cfg.Name = cluster.LogName(fmt.Sprintf("%s-%d", cfg.Name, crafted.Add(1)))
	sc := streamConfig(cfg)
	sc.DenyDelete = false
	if _, err := js.CreateStream(t.Context(), sc); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		subject := sc.Subjects[0]
		if m == nil {
			subject, m = sc.Subjects[1], encodeSeal("n2-9")
		}
		if _, err := js.Publish(t.Context(), subject, m); err != nil {
			t.Fatal(err)
		}
	}
	return cfg.Name
}

// testEntry is entry n of the log of inc, with one record.
func testEntry(inc cluster.Incarnation, n uint64) []byte {
	r := Record{Kind: "k", ID: "i", Seq: n}
	return finishEntry(AppendRecord(newHeader(typeRecords, inc), &r), headerSize(inc), n, 1)
}

// Follow finds what Scan finds, and stops as loudly where a log is not what its
// writer has said.
func TestFollow(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	e := func(n uint64) []byte { return testEntry("n1-7", n) }
	name := craftLog(t, js, e(1), e(2), e(3), nil)
	var got []cluster.LogSeq
	keep := func(e *Entry) error { got = append(got, e.Seq); return nil }
	if err := Follow(testContext(t), js, name, 2, 3, keep); err != nil || !slices.Equal(got, []cluster.LogSeq{2, 3}) {
		t.Errorf("got %v, %v; want 2 and 3", got, err)
	}
	if err := Follow(testContext(t), js, name, 3, 4, keep); err != nil {
		t.Errorf("up to the seal: %v", err)
	}
	if err := Follow(testContext(t), js, name, 3, 5, keep); !errors.Is(err, ErrMissing) {
		t.Errorf("past the seal: got %v, want %v", err, ErrMissing)
	}
}

// scanNow is Scan without patience for replicas that are behind: there is one.
func scanNow(ctx context.Context, js jetstream.JetStream, name cluster.LogName, from, to cluster.LogSeq, fn func(*Entry) error) (cluster.LogSeq, bool, error) {
	s := scan{js: js, name: name, next: max(from, 1), to: to, fn: fn, patience: 300 * time.Millisecond}
	return s.result(s.run(ctx))
}

func TestScan(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	e := func(n uint64) []byte { return testEntry("n1-7", n) }
	var five [][]byte
	for n := range uint64(5) {
		five = append(five, e(n+1))
	}
	sealed := append(slices.Clone(five), nil, e(7), nil, e(9))
	for _, tt := range []struct {
		name     string
		log      [][]byte
		from, to cluster.LogSeq
		want     []cluster.LogSeq
		last     cluster.LogSeq
		sealed   bool
		err      error
	}{
		{name: "all", log: five, from: 1, want: []cluster.LogSeq{1, 2, 3, 4, 5}, last: 5},
		{name: "from 0 is from the beginning", log: five, from: 0, want: []cluster.LogSeq{1, 2, 3, 4, 5}, last: 5},
		{name: "a part", log: five, from: 2, to: 4, want: []cluster.LogSeq{2, 3, 4}, last: 4},
		{name: "nothing, at the end", log: five, from: 6, last: 5},
		{name: "nothing, of an empty log", from: 1, last: 0},
		{name: "nothing, by request", log: five, from: 4, to: 3, last: 3},
		{name: "beyond the end", log: five, from: 7, last: 6, err: ErrMissing},
		{name: "up to beyond the end", log: five, from: 1, to: 6, err: ErrMissing},
		{name: "to the seal", log: sealed, from: 1, want: []cluster.LogSeq{1, 2, 3, 4, 5}, last: 5, sealed: true},
		{name: "to before the seal", log: sealed, from: 4, to: 5, want: []cluster.LogSeq{4, 5}, last: 5},
		{name: "from the seal", log: sealed, from: 6, last: 5, sealed: true},
		{name: "to the seal, named", log: sealed, from: 5, to: 6, want: []cluster.LogSeq{5}, last: 5, sealed: true},
		{name: "past the seal", log: sealed, from: 5, to: 7, want: []cluster.LogSeq{5}, last: 5, sealed: true, err: ErrMissing},
		{name: "behind the seal", log: sealed, from: 7, to: 7, last: 6, sealed: true, err: ErrMissing},
		{name: "numbers jump", log: [][]byte{e(1), e(3)}, from: 1, want: []cluster.LogSeq{1}, last: 1, err: ErrGap},
		{name: "numbers come twice", log: [][]byte{e(1), e(1)}, from: 1, want: []cluster.LogSeq{1}, last: 1, err: ErrGap},
		{name: "another writer", log: [][]byte{e(1), testEntry("n3-1", 2)}, from: 1, want: []cluster.LogSeq{1}, last: 1, err: ErrDiverged},
		{name: "no entry", log: [][]byte{e(1), []byte("gibberish")}, from: 1, want: []cluster.LogSeq{1}, last: 1, err: ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := craftLog(t, js, tt.log...)
			var got []cluster.LogSeq
			last, sealed, err := scanNow(testContext(t), js, name, tt.from, tt.to, func(e *Entry) error {
				got = append(got, e.Seq)
				if e.Number != uint64(e.Seq) || len(e.Records) != 1 || e.Records[0].Seq != e.Number {
					t.Errorf("entry %d: %+v", e.Seq, e)
				}
				return nil
			})
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if !slices.Equal(got, tt.want) || last != tt.last && tt.err == nil || sealed != tt.sealed {
				t.Errorf("got %v, last %d, sealed %v; want %v, %d, %v", got, last, sealed, tt.want, tt.last, tt.sealed)
			}
		})
	}
}

func TestScanMissesNothingSilently(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	name := craftLog(t, js, testEntry("n1-7", 1), testEntry("n1-7", 2), testEntry("n1-7", 3), testEntry("n1-7", 4))
	stream, err := js.Stream(t.Context(), string(name))
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*Entry) error { return nil }
	if err := stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if last, _, err := scanNow(testContext(t), js, name, 1, 0, nothing); !errors.Is(err, ErrGap) || last != 2 {
		t.Errorf("entry 3 is gone: got %d, %v; want 2, %v", last, err, ErrGap)
	}
	if err := stream.DeleteMsg(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if last, _, err := scanNow(testContext(t), js, name, 1, 4, nothing); !errors.Is(err, ErrMissing) || last != 2 {
		t.Errorf("the last entries are gone: got %d, %v; want 2, %v", last, err, ErrMissing)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(2)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := scanNow(testContext(t), js, name, 1, 2, nothing); !errors.Is(err, ErrMissing) {
		t.Errorf("the first entry is gone: got %v, want %v", err, ErrMissing)
	}
	if last, _, err := scanNow(testContext(t), js, name, 2, 2, nothing); err != nil || last != 2 {
		t.Errorf("from the first that is left: got %d, %v", last, err)
	}
	if _, _, err := scanNow(testContext(t), js, "nothing", 1, 0, nothing); !errors.Is(err, ErrNoLog) {
		t.Errorf("got %v, want %v", err, ErrNoLog)
	}
}

func TestScanStops(t *testing.T) {
	s := startServer(t, t.TempDir(), 0)
	js := connect(t, s)
	l := openLog(t, js, testConfig())
	for i := range scanBatch + 500 { // more than one batch
		wait(t, l, appendRecords(t, l, i, i+1))
	}
	if last, _, err := Scan(testContext(t), js, testConfig().Name, 1, 0, func(e *Entry) error {
		if e.Seq == 700 {
			return io.ErrClosedPipe
		}
		return nil
	}); !errors.Is(err, io.ErrClosedPipe) || last != 699 {
		t.Errorf("got %d, %v; want 699, %v", last, err, io.ErrClosedPipe)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	if last, _, err := Scan(ctx, js, testConfig().Name, 1, 0, func(e *Entry) error {
		if e.Seq == 300 {
			stopServer(s)
			time.AfterFunc(20*time.Millisecond, cancel)
		}
		return nil
	}); !errors.Is(err, context.Canceled) || last < 300 {
		t.Errorf("got %d, %v; want %v", last, err, context.Canceled)
	}
}

func TestPurge(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	l := openLog(t, js, testConfig())
	if err := l.Purge(testContext(t), 10); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		wait(t, l, appendRecords(t, l, i, i+1))
	}
	held := func() (first, last uint64) {
		info, err := l.stream.Info(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		return info.State.FirstSeq, info.State.LastSeq
	}
	for _, tt := range []struct {
		keep  cluster.LogSeq
		first uint64
	}{{0, 1}, {1, 1}, {4, 4}, {3, 4}, {10, 10}, {11, 10}, {1000, 10}} {
		if err := l.Purge(testContext(t), tt.keep); err != nil {
			t.Fatal(err)
		}
		if first, last := held(); first != tt.first || last != 10 {
			t.Errorf("keep from %d: holds %d to %d, want %d to 10", tt.keep, first, last, tt.first)
		}
	}
	wait(t, l, appendRecords(t, l, 10, 20))
	var got []Record
	last, _, err := Scan(testContext(t), js, testConfig().Name, 10, 0, func(e *Entry) error {
		got = append(got, e.Records...)
		return nil
	})
	if err != nil || last != l.DurableSeq() || len(got) != 11 {
		t.Errorf("after purges: read %d records up to %d, %v; want 11 up to %d", len(got), last, err, l.DurableSeq())
	}
}

func TestListAndDelete(t *testing.T) {
	js := connect(t, startServer(t, t.TempDir(), 0))
	want := []cluster.LogName{"a", "b", "c1-log"}
	for _, name := range append(slices.Clone(want), "other") {
		cfg := testConfig()
		cfg.Name = name
		if name == "other" {
			cfg.Cluster = "c1x"
		}
		l := openLog(t, js, cfg)
		if err := l.Close(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := List(testContext(t), js, "c1")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, name := range want {
		if err := Delete(testContext(t), js, name); err != nil {
			t.Fatal(err)
		}
		if err := Delete(testContext(t), js, name); !errors.Is(err, ErrNoLog) {
			t.Errorf("deleted twice: got %v, want %v", err, ErrNoLog)
		}
	}
	if got, err := List(testContext(t), js, "c1"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v; want nothing", got, err)
	}
}
