package history

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// walletOp is something that happens to a wallet, or is read of it.
type walletOp struct {
	kind walletKind
	// amount goes in, or out if it is negative. What is left afterwards is the
	// output of an operation that tells.
	amount  int64
	request uint64
	// rank orders open operations of the same amount: which of them took effect
	// nobody can tell, so only the first is tried. -1: not ranked.
	rank int
	// call and ret are those of the operation.
	call, ret int64
}

type walletKind uint8

const (
	told   walletKind = iota // the balance afterwards is known
	silent                   // it was done
	maybe                    // it was done, or not
	done                     // the end of a window, when nothing may be owed
)

// walletState is a balance, and how far the search is.
type walletState struct {
	balance int64
	known   bool // else any balance explains what comes
	// left counts the operations to come that were done for certain.
	left int
	// owed is what the last balance told is off by: open operations must have made
	// the difference before, that were sent by the time it was told.
	owed, told int64
	// taken counts the ranked open operations that took effect, by amount.
	taken []taken
}

type taken struct {
	amount int64
	n      int
}

func (s walletState) takenOf(amount int64) int {
	for _, t := range s.taken {
		if t.amount == amount {
			return t.n
		}
	}
	return 0
}

func (s walletState) take(amount int64) walletState {
	s.taken = slices.Clone(s.taken)
	for i := range s.taken {
		if s.taken[i].amount == amount {
			s.taken[i].n++
			return s
		}
	}
	s.taken = append(s.taken, taken{amount, 1})
	return s
}

// walletModel is a wallet: a number that purchases lower, one after the other,
// never below zero, and gifts raise.
//
// Whether an open operation took effect shows in the next balance that is told,
// and nothing else; so it is only looked for then, directly behind the operation
// that tells it, although it came before. At the end all those are left over that
// may as well have had no effect. A search that tried them at any time would try
// all their subsets, again and again.
func walletModel(start walletState) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return start },
		Step: func(state, input, output any) (bool, any) {
			return state.(walletState).step(input.(walletOp), output)
		},
		// What was taken, and what is left, follow from which operations were, and
		// those porcupine compares itself.
		Equal: func(a, b any) bool {
			x, y := a.(walletState), b.(walletState)
			return x.balance == y.balance && x.known == y.known && x.owed == y.owed && x.told == y.told
		},
	}
}

// explained asks porcupine whether there is an order of these operations.
func (s walletState) explained(ops []porcupine.Operation, within time.Duration) porcupine.CheckResult {
	for _, op := range ops {
		if op.Input.(walletOp).kind != maybe {
			s.left++
		}
	}
	end := porcupine.Operation{Input: walletOp{kind: done}, Call: math.MaxInt64, Return: math.MaxInt64}
	return porcupine.CheckOperationsTimeout(walletModel(s), append(slices.Clone(ops), end), within)
}

func (s walletState) step(op walletOp, output any) (bool, any) {
	if op.kind == maybe {
		return s.open(op)
	}
	if s.owed != 0 || op.kind == done {
		return s.owed == 0, s
	}
	s.left--
	if op.kind == silent {
		s.balance += op.amount
		return true, s
	}
	left := output.(int64)
	if left < 0 {
		return false, s
	}
	if s.known {
		s.owed, s.told = left-(s.balance+op.amount), op.ret
	}
	s.balance, s.known = left, true
	return true, s
}

// open lets an open operation make up for what is owed, or, at the end, be
// without effect.
func (s walletState) open(op walletOp) (bool, any) {
	switch {
	case s.owed == 0:
		return s.left == 0, s
	case op.call > s.told, op.amount > 0 == (s.owed > 0) && max(op.amount, -op.amount) > max(s.owed, -s.owed):
		return false, s
	case op.rank >= 0 && op.rank != s.takenOf(op.amount):
		return false, s
	case op.rank >= 0:
		s = s.take(op.amount)
	}
	s.owed -= op.amount
	return true, s
}

// checkWallets puts each player's wallet to porcupine: purchases that were
// answered with what was left, reads, gifts. Declined purchases say nothing of
// the balance; for want of money a purchase is declined by what the wallet holds
// less what other purchases under way may cost.
func (e *evidence) checkWallets(ctx context.Context, r *Result) {
	r.Unit = "operations"
	var unpriced []string
	linearizable(ctx, r, func(put func(task)) {
		for _, p := range e.players {
			ops, priced := e.walletOps(p)
			if !priced {
				unpriced = append(unpriced, p.name)
				continue
			}
			cutWallet(p.name, ops, window, put)
		}
	}, describeWallet)
	for _, name := range unpriced {
		r.undecided("player %s: what a purchase of unknown outcome would have cost is not known", name)
	}
}

// walletOps are the operations on a player's wallet, by their invocation.
// priced is false when the price of an open one cannot be told.
func (e *evidence) walletOps(p *player) (ops []porcupine.Operation, priced bool) {
	priced = true
	client := int(p.number)
	for i := range p.purchases {
		b := &p.purchases[i]
		op := porcupine.Operation{ClientId: client, Call: int64(b.invoke), Return: int64(b.settled)}
		switch {
		case !b.asked || b.outcome == refused:
			continue
		case b.outcome == bought:
			op.Input, op.Output = walletOp{kind: told, amount: -b.price, request: b.request}, b.balance
		default:
			unit := e.prices[b.sku]
			if unit < 0 {
				priced = false
				continue
			}
			op.Input, op.Return = walletOp{kind: maybe, amount: -unit * b.quantity, request: b.request}, forever
		}
		ops = append(ops, op)
	}
	for _, g := range p.gifts {
		kind := silent
		if g.ret == never {
			kind = maybe
		}
		ops = append(ops, porcupine.Operation{ClientId: client, Call: int64(g.invoke), Return: int64(g.ret), Input: walletOp{kind: kind, amount: g.amount}})
	}
	for _, g := range p.reads {
		ops = append(ops, porcupine.Operation{ClientId: client, Call: int64(g.invoke), Return: int64(g.ret), Input: walletOp{kind: told}, Output: g.balance})
	}
	for i := range ops {
		in := ops[i].Input.(walletOp)
		in.call, in.ret = ops[i].Call, ops[i].Return
		ops[i].Input = in
	}
	slices.SortStableFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return ops, priced
}

// cutWallet cuts a wallet's history into windows where nothing was under way and
// the balance is known: behind an operation that tells it, and that overlaps no
// other. Open operations go on into the next window, but for those that the
// balance shows to have taken effect; if they differ in their amounts, so that
// it does not show which, all of them go on. That only explains more than it
// should; that none is done twice is the log's to show. A window has at least
// so many operations, but for the first, which ends with the first balance told
// if that can be: what took effect before shows nowhere.
func cutWallet(name string, ops []porcupine.Operation, atLeast int, put func(task)) {
	w := walletWindow{name: name, put: put}
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
			w.cut(op.Output.(int64))
		}
	}
	if len(w.settled) > 0 {
		w.end()
	}
}

// walletWindow is the window of a wallet's history that is being filled.
type walletWindow struct {
	name    string
	put     func(task)
	start   walletState
	settled []porcupine.Operation
	told    int                   // of the settled
	pending []porcupine.Operation // by their invocation
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

// cut ends the window where the wallet is known to hold balance.
func (w *walletWindow) cut(balance int64) {
	w.end()
	if amount, same := w.sameAmount(); same && w.start.known {
		missing := balance - w.start.balance
		for _, op := range w.settled {
			missing -= op.Input.(walletOp).amount
		}
		if n := missing / amount; missing%amount == 0 && n >= 0 && n <= int64(len(w.pending)) {
			w.pending = slices.Clone(w.pending[n:])
		}
	}
	w.start = walletState{balance: balance, known: true}
	w.settled, w.told = nil, 0
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

func leaveWalletOpen(op porcupine.Operation) (porcupine.Operation, bool) {
	in := op.Input.(walletOp)
	if in.amount == 0 {
		return op, false
	}
	if in.kind != maybe {
		in.kind, in.rank = maybe, -1
		op.Input, op.Output = in, nil
	}
	return op, true
}

func describeWallet(op porcupine.Operation) string {
	in := op.Input.(walletOp)
	var what string
	switch {
	case in.kind == told && in.amount == 0:
		what = fmt.Sprintf("reads %d", op.Output)
	case in.kind == told:
		what = fmt.Sprintf("request %d pays %d and is told that %d are left", in.request, -in.amount, op.Output)
	case in.kind == maybe && in.amount < 0:
		return fmt.Sprintf("from %s: request %d may pay %d, or not", clockOf(op.Call), in.request, -in.amount)
	case in.kind == maybe:
		return fmt.Sprintf("from %s: may be given %d, or not", clockOf(op.Call), in.amount)
	default:
		what = fmt.Sprintf("is given %d", in.amount)
	}
	return fmt.Sprintf("%s to %s: %s", clockOf(op.Call), clockOf(op.Return), what)
}
