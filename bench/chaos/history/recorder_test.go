package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var someOps = []Op{
	{Kind: Stock, SKU: "sword", Quantity: 1000, Invoke: 1, Return: 2, Outcome: OK},
	{Kind: Grant, Client: "ann", Amount: 500, Invoke: 3, Return: 4, Outcome: Unknown},
	{Kind: Buy, Client: "ann", SKU: "sword", Request: 1, Quantity: 2, Invoke: 5, Return: 6, Outcome: OK, Price: 10, Balance: -490},
	{Kind: Buy, Client: "ann \"o'\\ Ünï\n", SKU: "sword", Request: 1 << 63, Quantity: 1, Invoke: 7, Return: time.Hour, Outcome: Refused, Code: clientv1.Code_CODE_SOLD_OUT},
	{Kind: Buy, Client: "ann", SKU: "sword", Request: 3, Quantity: 1, Outcome: Unknown, Code: 4711},
	{Kind: Buy, Client: "ann", SKU: "sword", Request: 4, Quantity: 1, Outcome: OK, Order: "bob/4"},
	{Kind: Read, Client: "ann", Outcome: OK, Balance: 490},
}

func operations(t *testing.T, dir string) (ops []Op, begin time.Time) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, OperationsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	begin, err = ReadOps(f, func(op *Op) error {
		ops = append(ops, *op)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ops, begin
}

func create(t *testing.T) *Recorder {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsRecordedCanBeRead(t *testing.T) {
	before := time.Now()
	r := create(t)
	for i := range someOps {
		r.Add(&someOps[i])
	}
	if got := r.Ops(); got != int64(len(someOps)) {
		t.Errorf("got %d operations, want %d", got, len(someOps))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	got, begin := operations(t, r.Dir())
	if !slices.Equal(got, someOps) {
		t.Errorf("got  %+v\nwant %+v", got, someOps)
	}
	if begin.Before(before.Add(-time.Millisecond)) || begin.After(time.Now()) {
		t.Errorf("got begin %s, want now", begin)
	}
}

func TestRecorderTakesOperationsFromManyAtOnce(t *testing.T) {
	r := create(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 2000 {
				now := r.Now()
				r.Add(&Op{Kind: Buy, Client: "ann", SKU: "sword", Request: uint64(i + 1), Quantity: 1, Invoke: now, Return: r.Now(), Outcome: OK})
			}
		})
	}
	all.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := operations(t, r.Dir()); len(got) != 16000 {
		t.Errorf("got %d operations, want 16000", len(got))
	}
}

func TestNilRecorderRecordsNothing(t *testing.T) {
	var r *Recorder
	r.Add(&someOps[0])
	if r.Now() != 0 || r.Ops() != 0 || r.PutBooks(Books{}) != nil || r.Close() != nil {
		t.Error("a nil Recorder does something")
	}
}

func TestHistoryIsNotOverwritten(t *testing.T) {
	r := create(t)
	defer r.Close()
	if _, err := Create(r.Dir()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want %v", err, fs.ErrExist)
	}
}

func TestRecorderTellsThatItCouldNotWrite(t *testing.T) {
	r := create(t)
	r.file.Close()
	for range 10_000 {
		r.Add(&someOps[0])
	}
	if err := r.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want %v", err, os.ErrClosed)
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	r := create(t)
	defer r.Close()
	if got := testing.AllocsPerRun(1000, func() { r.Add(&someOps[2]) }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestReadOpsRefusesWhatIsNoHistory(t *testing.T) {
	const head = `{"format":1,"begin":"2026-11-27T18:00:00Z"}` + "\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":          {"", "no header"},
		"no header":        {`{"kind":"read"}` + "\n", "no header"},
		"a newer format":   {`{"format":2}` + "\n", "this program reads 1"},
		"no JSON":          {head + "kind\n", "line 2"},
		"no outcome":       {head + `{"kind":"read","client":"a"}` + "\n", `outcome ""`},
		"no such kind":     {head + `{"kind":"sell","outcome":"ok"}` + "\n", `kind "sell"`},
		"no request":       {head + `{"kind":"buy","client":"a","sku":"s","outcome":"ok"}` + "\n", "request 0"},
		"backwards":        {head + `{"kind":"read","client":"a","invoke":5,"return":4,"outcome":"ok"}` + "\n", "before it was invoked"},
		"a gift of 0":      {head + `{"kind":"grant","client":"a","outcome":"ok"}` + "\n", "amount 0"},
		"stock of nothing": {head + `{"kind":"stock","quantity":1,"outcome":"ok"}` + "\n", "product"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadOps(strings.NewReader(tc.text), func(*Op) error { return nil })
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// A recorder that was killed leaves half a line; the rest can be judged.
func TestReadOpsLeavesOutAnUnfinishedLine(t *testing.T) {
	var n int
	_, err := ReadOps(strings.NewReader(`{"format":1,"begin":"2026-11-27T18:00:00Z"}
{"kind":"read","client":"a","outcome":"ok"}
{"kind":"read","client":"a","outco`), func(*Op) error { n++; return nil })
	if err != nil || n != 1 {
		t.Errorf("got %d operations and %v, want 1", n, err)
	}
}

func BenchmarkAdd(b *testing.B) {
	r, err := Create(filepath.Join(b.TempDir(), "run"))
	if err != nil {
		b.Fatal(err)
	}
	op := Op{Kind: Buy, Client: "bench-0123abcd-player17", SKU: "bench-0123abcd-sku0", Request: 12345, Quantity: 1, Invoke: time.Minute, Return: time.Minute + time.Millisecond, Outcome: OK, Price: 1, Balance: 1 << 40}
	b.ReportAllocs()
	for b.Loop() {
		r.Add(&op)
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}
