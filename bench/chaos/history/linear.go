package history

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Porcupine searches for an order of operations that explains what each was
// answered and keeps to real time: P before Q if P was answered before Q was sent
// (Herlihy and Wing, Linearizability, 1990; the search is that of Wing and Gong,
// 1993, with Lowe's memory of states, 2017). Its memory and time grow with the
// square of a history's length, so long histories are cut into windows.
const (
	// window is how many operations of a wallet make one window, if there is a
	// place to cut at: small, because each step of the search keeps a bit for each
	// of them.
	window = 128
	// maxWindow is how many operations are searched at all when there is no such
	// moment. Beyond, the verdict is undecided.
	maxWindow = 20_000
)

// task is one part of a history to be put to porcupine.
type task struct {
	name string
	ops  []porcupine.Operation
	// explained asks porcupine whether there is an order of operations; no time is
	// all the time.
	explained func(ops []porcupine.Operation, within time.Duration) porcupine.CheckResult
	// leaveOpen turns an operation into one of which the outcome is not known;
	// false if there is nothing to it then.
	leaveOpen func(porcupine.Operation) (porcupine.Operation, bool)
	// wrong is what is known to be wrong without a search; then there is nothing
	// else.
	wrong string
}

// linearizable puts tasks to porcupine, several at a time, within the patience
// of ctx. each puts them; describe says an operation in words.
func linearizable(ctx context.Context, r *Result, each func(put func(task)), describe func(porcupine.Operation) string) {
	tasks := make(chan task)
	var mu sync.Mutex // guards r
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for t := range tasks {
				verdict, text := t.judge(ctx, describe)
				mu.Lock()
				r.Checked += int64(len(t.ops))
				switch verdict {
				case porcupine.Illegal:
					r.violated("%s: %s", t.name, text)
				case porcupine.Unknown:
					r.undecided("%s: %d operations were not decided in time", t.name, len(t.ops))
				}
				mu.Unlock()
			}
		})
	}
	each(func(t task) { tasks <- t })
	close(tasks)
	all.Wait()
}

func (t *task) judge(ctx context.Context, describe func(porcupine.Operation) string) (porcupine.CheckResult, string) {
	if t.wrong != "" {
		return porcupine.Illegal, t.wrong
	}
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if left <= 0 || len(t.ops) > maxWindow {
		return porcupine.Unknown, ""
	}
	verdict := t.explained(t.ops, left)
	if verdict != porcupine.Illegal {
		return verdict, ""
	}
	return verdict, t.explain(describe)
}

// explainAtMost bounds the operations that a counterexample lists.
const explainAtMost = 8

// explainWithin bounds the search for a short counterexample.
const explainWithin = 5 * time.Second

// explain says why there is no order: it looks for the shortest beginning of the
// history that has none, and lists its end.
func (t *task) explain(describe func(porcupine.Operation) string) string {
	byReturn := slices.Clone(t.ops)
	slices.SortStableFunc(byReturn, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	giveUp := time.Now().Add(explainWithin)
	legal, illegal := 0, len(byReturn) // so many operations of the beginning
	for illegal-legal > 1 && time.Now().Before(giveUp) {
		n := (legal + illegal) / 2
		if t.explained(t.beginning(byReturn, n), max(time.Until(giveUp), 1)) == porcupine.Illegal {
			illegal = n
		} else {
			legal = n
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no order of its operations explains the answers; the last of the first %d:", illegal)
	for _, op := range byReturn[max(0, illegal-explainAtMost):illegal] {
		fmt.Fprintf(&b, "\n  %s", describe(op))
	}
	return b.String()
}

// beginning is the history up to the n-th answer. What was under way then is
// open.
func (t *task) beginning(byReturn []porcupine.Operation, n int) []porcupine.Operation {
	ops := slices.Clone(byReturn[:n])
	for _, op := range byReturn[n:] {
		if op.Call > byReturn[n-1].Return {
			continue
		}
		if op, ok := t.leaveOpen(op); ok {
			op.Return = forever
			ops = append(ops, op)
		}
	}
	return ops
}

// clockOf is a time of the run, in words.
func clockOf(t int64) string { return clock(time.Duration(t)) }

// forever is the return of an operation that may take effect at any time.
const forever = math.MaxInt64 - 1
