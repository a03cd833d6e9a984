package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// settledOp returns the n-th operation of that outcome that was sent once only.
func (w *world) settledOp(o Outcome, n int) *Op {
	times := make(map[string]int)
	for i := range w.ops {
		times[w.ops[i].id()]++
	}
	for i := range w.ops {
		if op := &w.ops[i]; op.Kind == Buy && op.Outcome == o && times[op.id()] == 1 {
			if n == 0 {
				return op
			}
			n--
		}
	}
	panic(fmt.Sprintf("no purchase is %s", o))
}

func (op *Op) id() string { return orderName(op.Client, op.Request) }

// find returns where the first record stands that is like that.
func (w *world) record(like func(l *line) bool) (log, at int) {
	for i := range w.logs {
		for j := range w.logs[i] {
			if l := &w.logs[i][j]; l.event != nil && like(l) {
				return i, j
			}
		}
	}
	panic("no such record")
}

// completion finds the record that completed a purchase, or any for nil.
func (w *world) completion(op *Op) (log, at int) {
	return w.record(func(l *line) bool {
		e, ok := l.event.(*journalv1.PlayerEvent)
		return ok && e.GetCompleted() != nil && (op == nil || l.ID == op.Client && e.GetCompleted().GetRequest() == op.Request)
	})
}

// void turns a record into an event of its actor that says nothing.
func (w *world) void(log, at int) {
	w.logs[log][at].event = &journalv1.PlayerEvent{Acknowledged: w.logs[log][at].event.(*journalv1.PlayerEvent).GetAcknowledged(),
		Opening: w.logs[log][at].event.(*journalv1.PlayerEvent).GetOpening()}
}

// renumber gives an actor's events behind one other numbers.
func (w *world) renumber(kind, id string, behind uint64, by int) {
	for i := range w.logs {
		sealed := false
		for j := range w.logs[i] {
			l := &w.logs[i][j]
			sealed = sealed || l.Seal
			if !sealed && l.Kind == kind && l.ID == id && l.Seq > behind {
				l.Seq = uint64(int(l.Seq) + by)
			}
		}
	}
}

// Each defect is found by the check that is for it. Others may find it too.
func TestPlantedDefectsAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		plant func(w *world)
		check string
		says  string
	}{
		"an acknowledged purchase is lost": {func(w *world) {
			op := w.settledOp(OK, 5)
			w.void(w.completion(op))
		}, CheckAcknowledged, "was answered as bought, and is in no log"},
		"a purchase is recorded twice": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			again := w.logs[log][at]
			w.renumber(playerKind, again.ID, again.Seq, 1)
			again.Seq++
			w.logs[log] = slices.Insert(w.logs[log], at+1, again)
		}, CheckAcknowledged, "is recorded more than once"},
		"a refused purchase is made": {func(w *world) {
			op := w.settledOp(OK, 5)
			op.Outcome, op.Code, op.Price, op.Balance = Refused, clientv1.Code_CODE_SOLD_OUT, 0, 0
		}, CheckAcknowledged, "was answered SOLD_OUT, and is completed"},
		"a purchase is made after it was declined": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			c := w.logs[log][at]
			w.renumber(playerKind, c.ID, c.Seq-1, 1)
			declined := c
			declined.event = &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Declined{Declined: &journalv1.PurchaseDeclined{
				Request: op.Request, Code: int32(clientv1.Code_CODE_EXPIRED_REQUEST),
			}}}
			w.logs[log] = slices.Insert(w.logs[log], at, declined)
		}, CheckAcknowledged, "is recorded more than once"},
		"a refusal is not recorded": {func(w *world) {
			op := w.settledOp(Refused, 0)
			w.void(w.record(func(l *line) bool {
				e, ok := l.event.(*journalv1.PlayerEvent)
				return ok && l.ID == op.Client && e.GetDeclined().GetRequest() == op.Request
			}))
		}, CheckAcknowledged, "a late copy could buy"},
		"nobody asked": {func(w *world) {
			op := w.settledOp(OK, 5)
			w.ops = slices.DeleteFunc(w.ops, func(o Op) bool { return o.id() == op.id() && o.Kind == Buy })
		}, CheckAcknowledged, "nobody asked for it"},
		"another price than answered": {func(w *world) {
			w.settledOp(OK, 5).Price++
		}, CheckAcknowledged, "was answered with a price of"},
		"another product than asked": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			e := proto.CloneOf(w.logs[log][at].event.(*journalv1.PlayerEvent))
			e.GetCompleted().Quantity++
			w.logs[log][at].event = e
		}, CheckAcknowledged, " of sku"},
		"another order's id": {func(w *world) {
			w.settledOp(OK, 5).Order = "player0/1"
		}, CheckAcknowledged, "another order's id"},

		"a player's purchases change places": {func(w *world) {
			// The later one of two that did not overlap is recorded first.
			a, b := w.twoInOrder()
			la, ia := w.completion(a)
			lb, ib := w.completion(b)
			ea, eb := w.logs[la][ia].event, w.logs[lb][ib].event
			ca, cb := ea.(*journalv1.PlayerEvent).GetChange(), eb.(*journalv1.PlayerEvent).GetChange()
			ea.(*journalv1.PlayerEvent).Change, eb.(*journalv1.PlayerEvent).Change = cb, ca
		}, CheckOrder, "was answered before"},
		"a log is written back to front": {func(w *world) {
			log, n := w.longest()
			first := w.logs[log][0].Entry
			slices.Reverse(w.logs[log][:n])
			for i := range w.logs[log] {
				w.logs[log][i].Entry = first + uint64(i)
			}
		}, CheckOrder, "though it was answered before that was sent"},
		"an answer before the question": {func(w *world) {
			op := w.settledOp(OK, 5)
			op.Invoke, op.Return = op.Invoke+time.Hour, op.Return+time.Hour
		}, CheckOrder, "answered before"},

		"an entry is missing": {func(w *world) {
			log, n := w.longest()
			gone := w.logs[log][n/2].Entry
			w.logs[log] = slices.DeleteFunc(w.logs[log], func(l line) bool { return l.Entry == gone })
		}, CheckLog, "follows upon"},
		"the beginning was purged": {func(w *world) {
			log, _ := w.longest()
			w.logs[log] = slices.DeleteFunc(w.logs[log], func(l line) bool { return l.Entry == 1 })
		}, CheckLog, "begins with entry 2"},
		"an event is missing": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			w.renumber(playerKind, op.Client, w.logs[log][at].Seq-1, 1)
		}, CheckLog, "are in no log"},
		"an event stands twice": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			w.renumber(playerKind, op.Client, w.logs[log][at].Seq, -1)
		}, CheckLog, "stand twice"},
		"an entry behind a seal counts": {func(w *world) {
			log, n := w.longest()
			n /= 2
			seal := line{Record: w.logs[log][n].Record}
			seal.Seal, seal.Entry = true, w.logs[log][n].Entry+1
			for i := n + 1; i < len(w.logs[log]); i++ {
				w.logs[log][i].Entry += 2
			}
			w.logs[log] = slices.Insert(w.logs[log], n+1, seal)
		}, CheckAcknowledged, "is in no log"},
		"two writers in one epoch": {func(w *world) {
			log, at := w.completion(nil)
			l := w.logs[log][at]
			for i := range w.logs {
				if i == log {
					continue
				}
				if n := len(w.logs[i]); n > 0 && !slices.ContainsFunc(w.logs[i], func(x line) bool { return x.Seal }) {
					last := w.logs[i][n-1].Record
					l.Log, l.Incarnation, l.Entry, l.Kind, l.ID, l.Seq = last.Log, last.Incarnation, last.Entry+1, "other", "x", 1
					w.logs[i] = append(w.logs[i], l)
					return
				}
			}
		}, CheckLog, "has two writers in epoch"},
		"an old epoch writes on": {func(w *world) {
			for i := range w.logs {
				for j := range w.logs[i] {
					if l := &w.logs[i][j]; l.Epoch > 2 && l.Kind != "" {
						for k := j + 1; k < len(w.logs[i]); k++ {
							if m := &w.logs[i][k]; m.Kind != "" && m.Shard == l.Shard && m.Epoch == l.Epoch && !slices.ContainsFunc(w.logs[i][:k], func(x line) bool { return x.Seal }) {
								m.Epoch--
								return
							}
						}
					}
				}
			}
		}, CheckLog, "after epoch"},

		"oversold": {func(w *world) {
			// The slice has fewer units than it sold.
			log, at := w.record(func(l *line) bool {
				e, ok := l.event.(*journalv1.StockEvent)
				return ok && e.GetRestocked() != nil
			})
			w.logs[log][at].event.(*journalv1.StockEvent).GetRestocked().Quantity = 5
		}, CheckBooks, "oversold"},
		"oversold, as clients see it": {func(w *world) {
			for i := range w.ops {
				if w.ops[i].Kind == Stock {
					w.ops[i].Quantity = 20
				}
			}
		}, CheckStock, "no order of its operations explains the answers"},
		"sold before it was there": {func(w *world) {
			for i := range w.ops {
				if w.ops[i].Kind == Stock {
					w.ops[i].Invoke, w.ops[i].Return = time.Hour, time.Hour+1
				}
			}
		}, CheckStock, "no order"},
		"sold without a reservation": {func(w *world) {
			w.dropStock(func(e *journalv1.StockEvent) bool {
				return e.GetReserved() != nil && len(e.GetReserved().GetSold()) == 0
			})
		}, CheckBooks, "and nothing was held for it"},
		"never confirmed": {func(w *world) {
			w.dropStock(func(e *journalv1.StockEvent) bool { return e.GetSold() != nil })
		}, CheckBooks, "units sold, although"},
		"sold where it was not bought": {func(w *world) {
			op := w.settledOp(OK, 5)
			log, at := w.completion(op)
			c := w.logs[log][at].event.(*journalv1.PlayerEvent).GetCompleted()
			c.Slice = (c.Slice + 1) % uint32(w.slices)
		}, CheckBooks, "which is not completed there"},
		"let go for no reason": {func(w *world) {
			log, at := w.record(func(l *line) bool {
				e, ok := l.event.(*journalv1.StockEvent)
				return ok && e.GetReleased() != nil
			})
			r := w.logs[log][at].event.(*journalv1.StockEvent).GetReleased()
			r.Outcome = 4 // declined
		}, CheckBooks, "which it is not"},
		"forgotten before it was acknowledged": {func(w *world) {
			log, at := w.completion(w.settledOp(OK, 40))
			e := w.logs[log][at].event.(*journalv1.PlayerEvent)
			e.Watermark = e.GetCompleted().GetRequest()
		}, CheckBooks, "has not acknowledged it"},
		"units are lost on their way": {func(w *world) {
			log, at := w.record(func(l *line) bool {
				e, ok := l.event.(*journalv1.StockEvent)
				return ok && e.GetReceived() != nil
			})
			w.logs[log][at].event.(*journalv1.StockEvent).GetReceived().Quantity--
		}, CheckBooks, "were lent"},
		"money from nowhere": {func(w *world) {
			log, at := w.record(func(l *line) bool {
				e, ok := l.event.(*journalv1.PlayerEvent)
				return ok && e.GetGranted() != nil
			})
			w.logs[log][at].event.(*journalv1.PlayerEvent).GetGranted().Amount += 7
		}, CheckBooks, "was given"},
		"other books": {func(w *world) {
			w.books.Accounts["player/spent/gold"]++
		}, CheckBooks, "account player/spent/gold"},

		"a stale read": {func(w *world) {
			i := slices.IndexFunc(w.ops, func(op Op) bool { return op.Kind == Read && op.Return > w.now/2 })
			w.ops[i].Balance = startMoney + giftMoney
		}, CheckWallet, "no order of its operations explains the answers"},
		"a read of what is not yet": {func(w *world) {
			i := slices.IndexFunc(w.ops, func(op Op) bool { return op.Kind == Read && op.Return < w.now/4 })
			w.ops[i].Balance = w.wallet[w.ops[i].Client].balance
		}, CheckWallet, "no order"},
		"another balance than is left": {func(w *world) {
			w.settledOp(OK, 9).Balance -= unitPrice
		}, CheckWallet, "is told that"},
		"paid more than the price": {func(w *world) {
			op := w.settledOp(OK, 9)
			for i := range w.ops {
				if o := &w.ops[i]; o.Client == op.Client && o.Outcome == OK && o.Kind != Grant && o.Invoke > op.Return {
					o.Balance -= 1 // no purchase of unknown outcome costs as much
				}
			}
		}, CheckWallet, "no order"},

		"another answer to a copy": {func(w *world) {
			first := make(map[string]bool)
			for i := range w.ops {
				op := &w.ops[i]
				if op.Kind == Buy && op.Outcome == OK {
					if first[op.id()] {
						op.Balance++
						return
					}
					first[op.id()] = true
				}
			}
		}, CheckAnswers, "was answered bought"},
		"refused, then bought": {func(w *world) {
			op := *w.settledOp(OK, 5)
			op.Return += time.Millisecond
			op.Outcome, op.Code = Refused, clientv1.Code_CODE_SOLD_OUT
			w.ops = append(w.ops, op)
		}, CheckAnswers, "SOLD_OUT"},

		"sold out, though there was enough": {func(w *world) {
			// Early, while nothing was taken yet, and long before, too.
			for i := range w.ops {
				w.ops[i].Invoke += time.Hour
				w.ops[i].Return += time.Hour
			}
			for i := range w.logs {
				for j := range w.logs[i] {
					if e, ok := w.logs[i][j].event.(*journalv1.StockEvent); ok {
						later(e)
					}
				}
			}
			first := w.settledOp(OK, 0)
			for i := range w.ops {
				if op := &w.ops[i]; op.Kind == Buy && op.Return < first.Return {
					first = op
				}
			}
			op := Op{Kind: Buy, Client: "player0", SKU: "sku0", Request: 9999, Quantity: 1, Invoke: time.Minute, Return: time.Minute + 1, Outcome: Refused, Code: clientv1.Code_CODE_SOLD_OUT}
			w.ops = append(w.ops, op)
		}, CheckSoldOut, "was told SOLD_OUT, and slice sku0/"},
	} {
		t.Run(name, func(t *testing.T) {
			w := makeUp(1, small)
			tc.plant(w)
			r := w.judge(t)
			c := r.Check(tc.check)
			if c.Verdict != Violated || c.Violations == 0 || r.OK() ||
				!slices.ContainsFunc(c.Counterexamples, func(x string) bool { return strings.Contains(x, tc.says) }) {
				t.Fatalf("got %s, want %q among the counterexamples of %q:\n%s", c.Verdict, tc.says, tc.check, text(t, r))
			}
		})
	}
}

// later is an hour later, but for what was put on sale.
func later(e *journalv1.StockEvent) {
	if r := e.GetReserved(); r != nil {
		r.At += int64(time.Hour)
	}
	if l := e.GetLent(); l != nil {
		l.At += int64(time.Hour)
	}
}

// twoInOrder returns two purchases of one player of which the first was answered
// before the second was sent.
func (w *world) twoInOrder() (a, b *Op) {
	for n := range 20 {
		a = w.settledOp(OK, n)
		for i := range w.ops {
			if b = &w.ops[i]; b.Kind == Buy && b.Outcome == OK && b.Client == a.Client && b.Invoke > a.Return {
				return a, b
			}
		}
	}
	panic("no two purchases follow each other")
}

// longest returns the log with the most records before its seal, and how many
// those are.
func (w *world) longest() (log, records int) {
	for i := range w.logs {
		n := slices.IndexFunc(w.logs[i], func(l line) bool { return l.Seal })
		if n < 0 {
			n = len(w.logs[i])
		}
		if n > records {
			log, records = i, n
		}
	}
	return log, records
}

// dropStock takes an event of a slice out, and renumbers the others.
func (w *world) dropStock(like func(*journalv1.StockEvent) bool) {
	log, at := w.record(func(l *line) bool {
		e, ok := l.event.(*journalv1.StockEvent)
		return ok && like(e)
	})
	l := w.logs[log][at]
	w.logs[log] = slices.Delete(w.logs[log], at, at+1)
	w.renumber(stockKind, l.ID, l.Seq, -1)
	next := uint64(0)
	last := uint64(0)
	for i := range w.logs[log] { // entries without gaps
		if e := w.logs[log][i].Entry; e != last {
			next, last = next+1, e
		}
		w.logs[log][i].Entry = next
	}
}
