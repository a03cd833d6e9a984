package bench

import (
	"maps"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
)

var swords = []product{{sku: "sword", stock: 10}}

// agreeing returns ledgers and books that agree: ann bought 2 swords, bob 1.
func agreeing() ([]*ledger, *Books) {
	ann, bob := newLedger("ann", 1), newLedger("bob", 1)
	ann.acknowledge(1, []byte("ann/1"), 0, 1, 5)
	ann.acknowledge(3, []byte("ann/3"), 0, 1, 5)
	bob.acknowledge(1, []byte("bob/1"), 0, 1, 5)
	row := func(l *ledger) Accounts {
		return Accounts{
			"player/orders/completed": l.orders(), "player/orders/digest": int64(l.digest),
			"player/sword/granted": l.units[0], "player/spent/gold": l.spent, "player/priced/gold": l.spent,
		}
	}
	b := &Books{
		Players: map[string]Accounts{"ann": row(ann), "bob": row(bob)},
		Slices: map[string]Accounts{
			"sword/0": {"stock/sword/initial": 5, "stock/sword/sold": 3, "stock/sword/free": 1, "stock/sword/lent": 1},
			"sword/1": {"stock/sword/initial": 5, "stock/sword/free": 6, "stock/sword/received": 1},
		},
	}
	b.Total = total(b.Players, b.Slices)
	return []*ledger{ann, bob}, b
}

func total(parts ...map[string]Accounts) Accounts {
	sum := make(Accounts)
	for _, actors := range parts {
		for _, accounts := range actors {
			for k, v := range accounts {
				sum[k] += v
			}
		}
	}
	return sum
}

func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		plant func(l []*ledger, b *Books)
		want  Verdict
		says  string
	}{
		"all agrees": {func([]*ledger, *Books) {}, Verdict{Conserved: true, Settled: true}, ""},
		"lost": {func(l []*ledger, _ *Books) {
			l[0].acknowledge(4, []byte("ann/4"), 0, 1, 0)
		}, Verdict{Lost: 1, Conserved: true, Settled: true}, "player ann: 3 acknowledged, 2 in the books"},
		"a whole player lost": {func(_ []*ledger, b *Books) {
			delete(b.Players, "bob")
		}, Verdict{Lost: 1, Conserved: false, Settled: true}, "player bob"},
		"duplicated": {func(_ []*ledger, b *Books) {
			b.Players["bob"]["player/orders/completed"]++
		}, Verdict{Duplicated: 1, Conserved: true, Settled: true}, "1 not acknowledged"},
		"granted twice for one order": {func(_ []*ledger, b *Books) {
			b.Players["bob"]["player/sword/granted"] = 2
		}, Verdict{Duplicated: 1, Conserved: true, Settled: true}, "player bob"},
		"one order for another": {func(_ []*ledger, b *Books) {
			b.Players["bob"]["player/orders/digest"] = int64(xxhash.Sum64String("bob/2"))
		}, Verdict{Lost: 1, Duplicated: 1, Conserved: true, Settled: true}, "player bob"},
		"acknowledged twice": {func(l []*ledger, _ *Books) {
			l[1].acknowledge(2, []byte("bob/1"), 0, 1, 5)
		}, Verdict{Duplicated: 1, Conserved: true, Settled: true}, "1 acknowledged twice"},
		"oversold": {func(_ []*ledger, b *Books) {
			b.Slices["sword/0"]["stock/sword/sold"] += 9
			b.Slices["sword/0"]["stock/sword/free"] -= 9
			b.Total = total(b.Players, b.Slices)
			b.Total["player/sword/granted"] = 12
		}, Verdict{Oversold: 2 + 8, Conserved: true, Settled: true}, "12 units sold, 12 granted, of 10"},
		"granted but not sold": {func(_ []*ledger, b *Books) {
			b.Total["player/sword/granted"]++
		}, Verdict{Conserved: false, Settled: true}, "3 sold, although 4 granted, 0 of them unconfirmed"},
		"unconfirmed": {func(_ []*ledger, b *Books) {
			b.Slices["sword/0"]["stock/sword/sold"]--
			b.Slices["sword/0"]["stock/sword/held"]++
			b.Total = total(b.Players, b.Slices)
			b.Total["player/sword/unconfirmed"]++
		}, Verdict{Conserved: true, Settled: false}, ""},
		"sold but not granted": {func(_ []*ledger, b *Books) {
			b.Total["player/sword/granted"]--
			b.Total["player/sword/unconfirmed"]++
		}, Verdict{Conserved: false, Settled: false}, "3 sold, although 2 granted"},
		"confirmed, and the player does not know": {func(_ []*ledger, b *Books) {
			b.Total["player/sword/unconfirmed"]++
		}, Verdict{Conserved: true, Settled: false}, ""},
		"a slice that does not add up": {func(_ []*ledger, b *Books) {
			b.Slices["sword/0"]["stock/sword/free"]++
		}, Verdict{Conserved: false, Settled: true}, "slice sword/0"},
		"two slices wrong in opposite ways": {func(_ []*ledger, b *Books) {
			b.Slices["sword/0"]["stock/sword/free"]++
			b.Slices["sword/1"]["stock/sword/free"]--
			b.Total = total(b.Players, b.Slices)
		}, Verdict{Conserved: false, Settled: true}, "slice sword/1"},
		"no slice": {func(_ []*ledger, b *Books) {
			b.Slices = nil
		}, Verdict{Conserved: false, Settled: true}, "no slice in the books"},
		"other stock than put on sale": {func(_ []*ledger, b *Books) {
			b.Total["stock/sword/initial"] = 9
		}, Verdict{Conserved: false, Settled: true}, "9 units by the books, 10 put on sale"},
		"received without being lent": {func(_ []*ledger, b *Books) {
			b.Total["stock/sword/lent"] = 0
		}, Verdict{Conserved: false, Settled: false}, "received 1 units, but lent 0"},
		"money": {func(_ []*ledger, b *Books) {
			b.Total["player/spent/gold"]--
		}, Verdict{Conserved: false, Settled: true}, "spent 14 gold on orders priced 15"},
		"a player charged wrongly": {func(_ []*ledger, b *Books) {
			b.Players["ann"]["player/spent/gold"] = 99
		}, Verdict{Conserved: false, Settled: true}, "paid 99 gold by the books, 10 by"},
	} {
		t.Run(name, func(t *testing.T) {
			ledgers, books := agreeing()
			books.Total = maps.Clone(books.Total)
			tc.plant(ledgers, books)
			got := judge(swords, ledgers, books)
			if got.Oversold != tc.want.Oversold || got.Lost != tc.want.Lost || got.Duplicated != tc.want.Duplicated ||
				got.Conserved != tc.want.Conserved || got.Settled != tc.want.Settled {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if said := strings.Join(got.Complaints, "\n"); !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
				t.Errorf("got complaints %q, want one with %q", said, tc.says)
			}
		})
	}
}

func TestLedgerKeepsOddOrders(t *testing.T) {
	l := newLedger("ann", 1)
	l.acknowledge(1, []byte("ann/1"), 0, 1, 1)
	l.acknowledge(2, []byte("order-77"), 0, 1, 1)
	l.acknowledge(3, []byte("order-77"), 0, 1, 1)
	l.acknowledge(4, []byte("ann/1"), 0, 1, 1)
	if l.orders() != 2 || l.twice != 2 || l.units[0] != 2 {
		t.Errorf("got %d orders, %d twice, %d units, want 2, 2, 2", l.orders(), l.twice, l.units[0])
	}
	if want := xxhash.Sum64String("ann/1") + xxhash.Sum64String("order-77"); l.digest != want {
		t.Errorf("got digest %x, want %x", l.digest, want)
	}
}

func TestAcknowledgeAllocatesNothing(t *testing.T) {
	l := newLedger("ann", 1)
	l.requests = make([]uint64, 0, 1000)
	order := []byte("ann/7")
	if got := testing.AllocsPerRun(100, func() { l.acknowledge(7, order, 0, 1, 1) }); got != 0 {
		t.Errorf("got %v allocations for an acknowledgement, want 0", got)
	}
}

func TestComplaintsAreBounded(t *testing.T) {
	var ledgers []*ledger
	for range 10 * maxComplaints {
		l := newLedger("ann", 1)
		l.acknowledge(1, []byte("ann/1"), 0, 1, 0)
		ledgers = append(ledgers, l)
	}
	v := judge(swords, ledgers, &Books{})
	if v.Lost != 10*maxComplaints || len(v.Complaints) != maxComplaints {
		t.Errorf("got %d lost and %d complaints, want all %d counted and %d told", v.Lost, len(v.Complaints), 10*maxComplaints, maxComplaints)
	}
}
