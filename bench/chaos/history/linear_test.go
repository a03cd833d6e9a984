package history

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// manyOperations makes up the purchases of so many players, several of each under
// way at a time, some without an answer, and reads between them.
func manyOperations(seed uint64, players, each int) *evidence {
	random := rand.New(rand.NewPCG(seed, 3))
	span := func() time.Duration { return time.Duration(1+random.IntN(1000)) * time.Microsecond }
	e := newEvidence()
	var answers Result
	e.take(&Op{Kind: Stock, SKU: "sword", Quantity: int64(players * each), Price: 1, Outcome: OK}, &answers)
	for i := range players {
		balance, now := int64(1<<40), time.Duration(0)
		op := Op{Client: "player" + strconv.Itoa(i), SKU: "sword", Quantity: 1}
		for n := range each {
			now += span()
			op.Invoke, op.Return = max(0, now-2*span()), now+2*span()
			op.Kind, op.Outcome = Read, OK
			if n%10 > 0 {
				op.Kind, op.Request, op.Price = Buy, uint64(n+1), 1
				if random.IntN(200) == 0 {
					op.Outcome = Unknown
				}
				if op.Outcome == OK || random.IntN(2) == 0 {
					balance--
				}
			}
			op.Balance = balance
			e.take(&op, &answers)
		}
	}
	return e
}

// A hundred thousand operations, some of them open for ever, are judged in a
// moment, because they are judged in windows.
func TestManyOperationsAreJudgedQuickly(t *testing.T) {
	players, each := 32, 4000
	if testing.Short() {
		each = 400
	}
	e := manyOperations(1, players, each)
	for name, check := range map[string]func(context.Context, *Result){"wallets": e.checkWallets, "stock": e.checkUnits} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r := newResult(name)
		began := time.Now()
		check(ctx, &r)
		cancel()
		if r.Verdict != Holds || r.Checked < int64(players*each*3/4) {
			t.Errorf("%s: got %s after %d operations, want all to hold: %v %s", name, r.Verdict, r.Checked, r.Counterexamples, r.Note)
		}
		t.Logf("%s: %d operations in %s", name, r.Checked, time.Since(began).Round(time.Millisecond))
	}
}

func BenchmarkWallets(b *testing.B) {
	e := manyOperations(1, 32, 4000)
	for b.Loop() {
		r := newResult("wallets")
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		e.checkWallets(ctx, &r)
		cancel()
		b.ReportMetric(float64(r.Checked)*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
	}
}

// plainWallet is a wallet as it would be written down without a thought of how
// long the search takes.
var plainWallet = porcupine.Model{
	Init: func() any { return walletState{} },
	Step: func(state, input, output any) (bool, any) {
		s, op := state.(walletState), input.(walletOp)
		after := s.balance + op.amount
		switch {
		case op.kind == told && (s.known && after != output.(int64) || output.(int64) < 0):
			return false, s
		case op.kind == told:
			return true, walletState{known: true, balance: output.(int64)}
		case s.known && after >= 0:
			s.balance = after
		}
		return true, s
	},
	Equal: func(a, b any) bool {
		return a.(walletState).balance == b.(walletState).balance && a.(walletState).known == b.(walletState).known
	},
}

// The model that is quick to search, and that in windows, judge as the plain one
// does. Only windows of purchases of several prices are lenient now and then.
func TestQuickModelJudgesAsThePlainOne(t *testing.T) {
	var lenient, lenientSame, wrong int
	histories := 1000
	if testing.Short() {
		histories = 100
	}
	for seed := range uint64(histories) {
		random := rand.New(rand.NewPCG(seed, 5))
		w := makeUp(seed, size{
			players: 1, purchases: 12, skus: 1, slices: 1, shards: 1, nodes: 1, stock: 1 << 20, outstanding: 2,
			unknown: 0.3, lost: 0.2, reads: 6, sameQuantity: seed%3 == 0,
		})
		if seed%2 == 1 { // something is wrong, most likely
			if op := &w.ops[random.IntN(len(w.ops))]; op.Outcome == OK && random.IntN(2) == 0 {
				op.Balance += unitPrice * int64(random.IntN(7)-3)
			} else if op.Kind != Grant {
				op.Invoke, op.Return = op.Invoke+8*time.Millisecond, op.Return+8*time.Millisecond
			}
		}
		e := newEvidence()
		var answers Result
		for i := range w.ops {
			e.take(&w.ops[i], &answers)
		}
		ops, _ := e.walletOps(e.byName["player0"])
		plain := porcupine.CheckOperations(plainWallet, ops)
		if !plain {
			wrong++
		}
		verdict := func(atLeast int) bool {
			all := true
			cutWallet("player0", ops, atLeast, func(t task) { all = all && t.wrong == "" && t.explained(t.ops, 0) == porcupine.Ok })
			return all
		}
		if got := verdict(len(ops)); got != plain {
			t.Fatalf("seed %d: the quick model says %t, the plain one %t", seed, got, plain)
		}
		switch got := verdict(3); {
		case !got && plain:
			t.Fatalf("seed %d: windows cannot explain what the plain model can", seed)
		case got && !plain && w.sameQuantity:
			lenientSame++
		case got && !plain:
			lenient++
		}
	}
	if wrong < histories/5 || lenient > histories/25 || lenientSame > 2 {
		t.Errorf("%d of %d histories are wrong, of which %d are explained because they were cut, and %d of one price", wrong, histories, lenient, lenientSame)
	}
}

// What cannot be decided in time is undecided, and never said to hold.
func TestOutOfTime(t *testing.T) {
	w := makeUp(1, small)
	r, err := Check(t.Context(), w.write(t), Options{Patience: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{CheckStock, CheckWallet} {
		if c := r.Check(name); c.Verdict != Undecided || !strings.Contains(c.Note, "not decided in time") {
			t.Errorf("%s: got %s, %q, want undecided", name, c.Verdict, c.Note)
		}
	}
	if r.OK() {
		t.Error("an undecided history is called good")
	}
}
