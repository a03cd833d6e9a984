package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Names of the checks; the package comment says what they are.
const (
	CheckAnswers      = "answers"
	CheckAcknowledged = "acknowledged"
	CheckOrder        = "order"
	CheckLog          = "log"
	CheckBooks        = "books"
	CheckSoldOut      = "sold out"
	CheckStock        = "stock"
	CheckWallet       = "wallet"
)

// Options say how to judge. The zero value of a field is its default.
type Options struct {
	// Patience bounds the search for an order of the operations, for each of the
	// checks stock and wallet; what is not decided by then is undecided. 2 min.
	Patience time.Duration
}

// Check judges the history in a folder. An error means that it could not be
// read; whether it is as it should be says the report. Checks that need the log
// are skipped when there is none.
func Check(ctx context.Context, dir string, o Options) (*Report, error) {
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	began := time.Now()
	r := new(Report)
	e := newEvidence()
	answers := newResult(CheckAnswers)
	answers.Unit = "answers to copies"
	if err := timed(&answers, func() (err error) {
		r.Begin, err = e.readOps(dir, &answers)
		return err
	}); err != nil {
		return nil, err
	}
	if err := e.readBooks(dir); err != nil {
		return nil, err
	}
	log, logged, err := e.checkLogged(dir, r.Begin)
	if err != nil {
		return nil, err
	}
	r.Checks = append(logged, answers)
	for _, c := range []struct {
		name  string
		check func(context.Context, *Result)
	}{{CheckStock, e.checkUnits}, {CheckWallet, e.checkWallets}} {
		result := newResult(c.name)
		bounded, cancel := context.WithTimeout(ctx, o.Patience)
		_ = timed(&result, func() error { c.check(bounded, &result); return nil })
		cancel()
		r.Checks = append(r.Checks, result)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	r.count(e, log)
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

func newResult(name string) Result { return Result{Name: name, Verdict: Holds} }

func timed(r *Result, check func() error) error {
	began := time.Now()
	err := check()
	r.Seconds = time.Since(began).Seconds()
	return err
}

// readOps reads the operations.
func (e *evidence) readOps(dir string, answers *Result) (begin time.Time, err error) {
	f, err := os.Open(filepath.Join(dir, OperationsFile))
	if err != nil {
		return begin, fmt.Errorf("read history: %w", err)
	}
	defer f.Close()
	begin, err = ReadOps(f, func(op *Op) error {
		e.take(op, answers)
		return nil
	})
	if err != nil {
		return begin, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return begin, nil
}

// readBooks reads the cluster's accounts, if they were kept.
func (e *evidence) readBooks(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, BooksFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read books: %w", err)
	}
	e.books = new(Books)
	if err := json.Unmarshal(data, e.books); err != nil {
		return fmt.Errorf("read %s: %w: %w", BooksFile, ErrFormat, err)
	}
	return nil
}

// checkLogged reads the log and makes all checks that need it.
func (e *evidence) checkLogged(dir string, begin time.Time) (*logAudit, []Result, error) {
	log, order := newResult(CheckLog), newResult(CheckOrder)
	acknowledged, books, soldOut := newResult(CheckAcknowledged), newResult(CheckBooks), newResult(CheckSoldOut)
	all := []*Result{&acknowledged, &order, &log, &books, &soldOut}

	f := fold{evidence: e, log: newLogAudit(&log), order: newOrderAudit(&order)}
	err := timed(&log, func() error { return f.read(dir) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, r := range all {
			r.skipped("there is no " + LogFile)
		}
	case err != nil:
		return nil, nil, err
	default:
		e.sort()
		for _, c := range []struct {
			r     *Result
			check func()
		}{
			{&log, f.log.finish},
			{&order, func() { f.order.finish(e) }},
			{&acknowledged, func() { e.checkAcknowledged(&acknowledged, f.log.at) }},
			{&books, func() { e.checkBooks(&books) }},
			{&soldOut, func() { e.checkSoldOut(&soldOut, begin) }},
		} {
			before := c.r.Seconds
			_ = timed(c.r, func() error { c.check(); return nil })
			c.r.Seconds += before
		}
	}
	results := make([]Result, len(all))
	for i, r := range all {
		results[i] = *r
	}
	return f.log, results, nil
}

func (f *fold) read(dir string) error {
	file, err := os.Open(filepath.Join(dir, LogFile))
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer file.Close()
	if err := ReadLog(file, f.take); err != nil {
		return fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return nil
}

// count sums up what there was.
func (r *Report) count(e *evidence, log *logAudit) {
	r.Requests, r.Reads = e.requests, e.reads
	for _, p := range e.players {
		client := len(p.reads)+len(p.gifts) > 0
		for i := range p.purchases {
			b := &p.purchases[i]
			if !b.asked {
				continue
			}
			client = true
			r.Operations++
			switch b.outcome {
			case bought:
				r.Bought++
			case refused:
				r.Declined++
			default:
				r.Unknown++
				if b.completed > 0 {
					r.UnknownDone++
				}
			}
		}
		if client {
			r.Clients++
		}
	}
	if r.Operations > 0 {
		r.UnknownShare = float64(r.Unknown) / float64(r.Operations)
	}
	r.Logs, r.Entries, r.Records, r.Seals, r.Void = int64(len(log.state)), log.entries, log.records, log.seals, log.void
}
