package history

import (
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
	// opens are all that are open, the same for the whole search.
	opens *openOps
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

// openOps sums up the open operations of a window.
type openOps struct {
	// amount of each of them; 0 if there are several, or none.
	amount int64
	calls  []int64 // ascending
	// in and out are sums of those that put money in, and take some out.
	in, out int64
}

func sumOpen(ops []porcupine.Operation) *openOps {
	sum := new(openOps)
	for _, op := range ops {
		in := op.Input.(walletOp)
		if in.kind != maybe {
			continue
		}
		if len(sum.calls) == 0 {
			sum.amount = in.amount
		} else if in.amount != sum.amount {
			sum.amount = 0
		}
		sum.calls = append(sum.calls, op.Call)
		sum.in += max(in.amount, 0)
		sum.out += min(in.amount, 0)
	}
	slices.Sort(sum.calls)
	return sum
}

// mayMake says whether operations that were sent by a time may make a
// difference, so many of them being used up. It need not be exact, but keeps the
// search from trying what cannot be.
func (o *openOps) mayMake(difference, by int64, used int) bool {
	if difference > o.in || difference < o.out {
		return false
	}
	if o.amount == 0 {
		return true
	}
	n, _ := slices.BinarySearch(o.calls, by+1)
	return difference%o.amount == 0 && difference/o.amount <= int64(n-used)
}

// explained asks porcupine whether there is an order of these operations.
func (s walletState) explained(ops []porcupine.Operation, within time.Duration) porcupine.CheckResult {
	for _, op := range ops {
		if op.Input.(walletOp).kind != maybe {
			s.left++
		}
	}
	s.opens = sumOpen(ops)
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
		if s.owed != 0 && !s.opens.mayMake(s.owed, op.ret, s.takenOf(s.opens.amount)) {
			return false, s
		}
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
