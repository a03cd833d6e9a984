package history

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

// cutWallet cuts a wallet's history into windows of at least so many operations,
// and puts each to be judged. Money given before all else is the same as to begin
// with it. When no other is given, balances only fall, and tell the order; else
// it must be a moment when nothing was under way.
func cutWallet(name string, ops []porcupine.Operation, atLeast int, put func(task)) {
	w := walletWindow{name: name, put: put}
	ops = w.skipFirstGifts(ops)
	given := func(op porcupine.Operation) bool { return op.Input.(walletOp).amount > 0 }
	if slices.ContainsFunc(ops, given) {
		w.cutByTime(ops, atLeast)
	} else {
		w.cutByBalance(ops, atLeast)
	}
}

// walletWindow is the window of a wallet's history that is being filled.
type walletWindow struct {
	name    string
	put     func(task)
	start   walletState
	settled []porcupine.Operation
	told    int // of the settled
	// pending are the open operations, by their invocation.
	pending []porcupine.Operation
}

// skipFirstGifts leaves out gifts that were over before anything else began. The
// balance that a history begins with is open anyway.
func (w *walletWindow) skipFirstGifts(ops []porcupine.Operation) []porcupine.Operation {
	for len(ops) > 1 && ops[0].Input.(walletOp).kind == silent && ops[0].Return < ops[1].Call {
		ops = ops[1:]
	}
	return ops
}

// cutByBalance cuts between balances: whatever is told a higher one comes before
// whatever is told a lower one, in any order that explains them.
//
// What is left to check is that real time allows that: nothing in a window may
// begin after something of a later one was over. That goes for open operations
// too that the balance shows to have taken effect.
func (w *walletWindow) cutByBalance(ops []porcupine.Operation, atLeast int) {
	var settled, open []porcupine.Operation
	for _, op := range ops {
		if op.Input.(walletOp).kind == maybe {
			open = append(open, op)
		} else {
			settled = append(settled, op)
		}
	}
	slices.SortStableFunc(settled, func(a, b porcupine.Operation) int { return -cmp.Compare(a.Output.(int64), b.Output.(int64)) })
	// until[i] is when the first of the i-th and those behind it was over.
	until := make([]int64, len(settled)+1)
	until[len(settled)] = forever
	for i := len(settled) - 1; i >= 0; i-- {
		until[i] = min(until[i+1], settled[i].Return)
	}
	first, latest := 0, porcupine.Operation{Call: -1}
	for i, op := range settled {
		if op.Call > latest.Call {
			latest = op
		}
		last := i+1 == len(settled)
		if !last && (i+1-first < atLeast || settled[i+1].Output.(int64) == op.Output.(int64)) {
			continue
		}
		w.settled, w.pending = settled[first:i+1], open
		if latest.Call > until[i+1] {
			w.contradiction(latest, settled[i+1:])
		}
		open = w.cut(op.Output.(int64))
		if used := len(w.pending) - len(open); used > 0 && w.pending[used-1].Call > until[i+1] {
			w.contradiction(w.pending[used-1], settled[i+1:])
		}
		first = i + 1
	}
}

// contradiction puts an operation that by the balances came before all of the
// later ones, and was sent after one of them was over.
func (w *walletWindow) contradiction(before porcupine.Operation, later []porcupine.Operation) {
	over := slices.MinFunc(later, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	w.put(task{name: "player " + w.name, wrong: fmt.Sprintf("by the balances the first came before the second, which was over before:\n  %s\n  %s",
		describeWallet(before), describeWallet(over))})
}

// cutByTime cuts where nothing was under way and the balance is known: behind an
// operation that tells it, and that overlaps no other. The first window ends with
// the first balance told, if that can be: what took effect before shows nowhere.
func (w *walletWindow) cutByTime(ops []porcupine.Operation, atLeast int) {
	end := int64(-1)
	for i, op := range ops {
		in := op.Input.(walletOp)
		if in.kind == maybe {
			w.pending = append(w.pending, op)
			continue
		}
		alone := op.Call > end && (i+1 == len(ops) || ops[i+1].Call > op.Return)
		end = max(end, op.Return)
		w.settled = append(w.settled, op)
		if in.kind == told {
			w.told++
		}
		if alone && in.kind == told && (!w.start.known && w.told == 1 || len(w.settled) >= atLeast) {
			w.pending = w.cut(op.Output.(int64))
		}
	}
	if len(w.settled) > 0 {
		w.end()
	}
}

// end puts the window to be judged.
func (w *walletWindow) end() {
	ops := slices.Clone(w.settled)
	ranks := make(map[int64]int)
	for _, op := range w.pending {
		in := op.Input.(walletOp)
		in.rank = ranks[in.amount]
		ranks[in.amount]++
		op.Input = in
		ops = append(ops, op)
	}
	w.put(task{name: "player " + w.name, ops: ops, explained: w.start.explained, leaveOpen: leaveWalletOpen})
}

// cut ends the window where the wallet is known to hold balance, and returns the
// open operations that go on into the next: all but those that the balance shows
// to have taken effect. If they differ in their amounts, so that it does not show
// which, all of them go on. That only explains more than it should; that none is
// done twice is the log's to show.
func (w *walletWindow) cut(balance int64) (pending []porcupine.Operation) {
	w.end()
	pending = w.pending
	if amount, same := w.sameAmount(); same && w.start.known {
		missing := balance - w.start.balance
		for _, op := range w.settled {
			missing -= op.Input.(walletOp).amount
		}
		if n := missing / amount; missing%amount == 0 && n >= 0 && n <= int64(len(pending)) {
			pending = slices.Clone(pending[n:])
		}
	}
	w.start = walletState{balance: balance, known: true}
	w.settled, w.told = nil, 0
	return pending
}

// sameAmount says whether all open operations are of one amount, and of which.
func (w *walletWindow) sameAmount() (amount int64, same bool) {
	for i, op := range w.pending {
		a := op.Input.(walletOp).amount
		if i > 0 && a != amount || a == 0 {
			return 0, false
		}
		amount = a
	}
	return amount, len(w.pending) > 0
}
