package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// writeBuffer is how much is written at once: few writes, so that recording
// costs a load generator little.
const writeBuffer = 256 << 10

// Recorder writes the operations of a run to a folder. Any number of goroutines
// may use it at once. A nil Recorder records nothing.
type Recorder struct {
	dir   string
	begin time.Time

	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	scratch []byte
	ops     int64
	err     error // the first of writing; what comes after it is lost
}

// Create begins a history in a folder, which is made if there is none. It does
// not overwrite another history: that fails with fs.ErrExist.
func Create(dir string) (*Recorder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, OperationsFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	r := &Recorder{dir: dir, begin: time.Now(), file: f, out: bufio.NewWriterSize(f, writeBuffer)}
	if err := json.NewEncoder(r.out).Encode(header{Format: format, Begin: r.begin.UTC()}); err != nil {
		return nil, errors.Join(fmt.Errorf("create history: %w", err), f.Close())
	}
	return r, nil
}

// Dir is the folder.
func (r *Recorder) Dir() string { return r.dir }

// Now is the time since Create.
func (r *Recorder) Now() time.Duration {
	if r == nil {
		return 0
	}
	return time.Since(r.begin)
}

// Add records an operation. op is not kept. An error of writing is Close's to
// tell.
func (r *Recorder) Add(op *Op) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scratch = appendOp(r.scratch[:0], op)
	if _, err := r.out.Write(r.scratch); err != nil && r.err == nil {
		r.err = err
	}
	r.ops++
}

// Ops counts the operations so far.
func (r *Recorder) Ops() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ops
}

// PutBooks keeps the cluster's accounts, summed over all actors, once all is
// settled. The last ones count.
func (r *Recorder) PutBooks(b Books) error {
	if r == nil {
		return nil
	}
	data, err := json.MarshalIndent(b, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, BooksFile), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("keep books: %w", err)
	}
	return nil
}

// Close writes what is left and says whether everything was written.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.out.Flush()
	}
	if err := errors.Join(r.err, r.file.Close()); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Books are the accounts of a cluster at the end of a run.
type Books struct {
	// Accounts are sums over all actors, by the account's name.
	Accounts map[string]int64 `json:"accounts"`
	// Settled: nothing is held, unconfirmed or on its way any more.
	Settled bool `json:"settled"`
}
