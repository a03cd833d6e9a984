package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Record is one line of a log dump: an event of an actor, a seal, or, without
// either, the header of an entry.
type Record struct {
	Log         string `json:"log"`
	Entry       uint64 `json:"entry"`
	Incarnation string `json:"incarnation"`

	Seal bool   `json:"seal"`
	By   string `json:"by"`

	Kind  string          `json:"kind"`
	ID    string          `json:"id"`
	Seq   uint64          `json:"seq"`
	Shard uint32          `json:"shard"`
	Epoch uint64          `json:"epoch"`
	Event json.RawMessage `json:"event"`

	// Player or Stock is the event of an actor of these kinds, decoded.
	Player *journalv1.PlayerEvent `json:"-"`
	Stock  *journalv1.StockEvent  `json:"-"`
}

const (
	playerKind = "player"
	stockKind  = "stock"
)

// dumpBatch lines are decoded at a time, by one goroutine: enough that handing
// them over costs nothing.
const dumpBatch = 256

// lineBatch is a stretch of lines on its way through a decoder.
type lineBatch struct {
	first   int // number of its first line
	lines   []byte
	ends    []int
	records []Record
	err     error
	done    chan struct{}
}

// ReadLog calls fn for every line of a log dump, in order, on the caller's
// goroutine. Decoding takes the time, and runs on all cores meanwhile; at most a
// few batches are ahead of fn. The Record is used again after fn has returned.
func ReadLog(r io.Reader, fn func(*Record) error) error {
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *lineBatch, 2*workers)
	order := make(chan *lineBatch, 2*workers)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for b := range work {
				b.decode()
				close(b.done)
			}
		})
	}
	var readErr error
	all.Go(func() {
		defer close(order)
		defer close(work)
		readErr = cutLines(r, func(b *lineBatch) bool {
			select {
			case work <- b:
				order <- b // has as much room as work
				return true
			case <-stop:
				return false
			}
		})
	})
	var err error
	for b := range order {
		<-b.done
		if err == nil {
			if err = b.deliver(fn); err != nil {
				close(stop)
			}
		}
	}
	all.Wait()
	return errors.Join(err, readErr)
}

func (b *lineBatch) deliver(fn func(*Record) error) error {
	for i := range b.records {
		if err := fn(&b.records[i]); err != nil {
			return err
		}
	}
	return b.err
}

// cutLines reads lines in batches until the end, or until put is false.
func cutLines(r io.Reader, put func(*lineBatch) bool) error {
	in := bufio.NewReaderSize(r, readBuffer)
	b := &lineBatch{first: 1, done: make(chan struct{})}
	var line []byte
	for n := 1; ; n++ {
		var err error
		line, err = readLine(in, line)
		if errors.Is(err, io.EOF) {
			if len(b.ends) > 0 {
				put(b)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		b.lines = append(b.lines, line...)
		b.ends = append(b.ends, len(b.lines))
		if len(b.ends) == dumpBatch {
			if !put(b) {
				return nil
			}
			b = &lineBatch{first: n + 1, done: make(chan struct{})}
		}
	}
}

func (b *lineBatch) decode() {
	b.records = make([]Record, 0, len(b.ends))
	start := 0
	for i, end := range b.ends {
		var r Record
		if err := r.decode(b.lines[start:end]); err != nil {
			b.err = fmt.Errorf("line %d: %w", b.first+i, err)
			return
		}
		b.records = append(b.records, r)
		start = end
	}
}

var lenient = protojson.UnmarshalOptions{DiscardUnknown: true}

func (r *Record) decode(line []byte) error {
	if err := json.Unmarshal(line, r); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if r.Log == "" || r.Entry == 0 || r.Kind != "" && (r.ID == "" || r.Seq == 0) {
		return fmt.Errorf("%w: entry %d of log %q, event %d of %s/%s", ErrFormat, r.Entry, r.Log, r.Seq, r.Kind, r.ID)
	}
	var event proto.Message
	switch r.Kind {
	case playerKind:
		r.Player = new(journalv1.PlayerEvent)
		event = r.Player
	case stockKind:
		r.Stock = new(journalv1.StockEvent)
		event = r.Stock
	default:
		return nil
	}
	if err := lenient.Unmarshal(r.Event, event); err != nil {
		return fmt.Errorf("%w: event %d of %s/%s: %w", ErrFormat, r.Seq, r.Kind, r.ID, err)
	}
	return nil
}
