package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
)

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
