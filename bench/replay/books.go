package replay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/report"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// books are a cluster's accounts: of everything, and of the players of a replay.
type books struct {
	conserved, settled bool
	wrong              []string // what does not add up
	players            ledger
	onSale             map[string]bool // by SKU
}

// readBooks audits the cluster, with rows for the players whose ids begin so.
func readBooks(ctx context.Context, rpc adminv1connect.AdminServiceClient, prefix string) (*books, error) {
	r, err := rpc.Audit(ctx, connect.NewRequest(&adminv1.AuditRequest{RowsKind: "player", RowsPrefix: prefix}))
	if err != nil {
		return nil, fmt.Errorf("read books: %w", err)
	}
	b := &books{conserved: r.Msg.GetConserved(), settled: r.Msg.GetSettled(), players: newLedger(), onSale: make(map[string]bool)}
	for _, s := range r.Msg.GetStock() {
		b.onSale[s.GetSku()] = true
		if !s.GetConserved() {
			b.wrong = append(b.wrong, fmt.Sprintf("%s: %d initial and %d restocked, but %d free, %d held, %d sold, %d in transit; %d granted",
				s.GetSku(), s.GetInitial(), s.GetRestocked(), s.GetFree(), s.GetHeld(), s.GetSold(), s.GetInTransit(), s.GetGranted()))
		}
	}
	for _, m := range r.Msg.GetMoney() {
		if !m.GetConserved() {
			b.wrong = append(b.wrong, fmt.Sprintf("players spent %d %s on orders priced %d", m.GetSpent(), m.GetCurrency(), m.GetPriced()))
		}
	}
	for _, row := range r.Msg.GetRows() {
		b.players.enter(row.GetAccounts())
	}
	return b, nil
}

// enter adds the accounts of one player.
func (l *ledger) enter(accounts map[string]int64) {
	l.Orders += accounts["player/orders/completed"]
	l.Digest += uint64(accounts["player/orders/digest"])
	for account, amount := range accounts {
		name, ok := strings.CutPrefix(account, "player/")
		if !ok {
			continue
		}
		if currency, ok := strings.CutPrefix(name, "spent/"); ok {
			l.Spent[currency] += amount
		} else if sku, ok := strings.CutSuffix(name, "/granted"); ok {
			l.Units[sku] += amount
		}
	}
}

// without takes out what was there before the replay.
func (l *ledger) without(before ledger) {
	l.Orders -= before.Orders
	l.Digest -= before.Digest
	for sku, n := range before.Units {
		l.Units[sku] -= n
	}
	for currency, n := range before.Spent {
		l.Spent[currency] -= n
	}
}

// judge holds what was acknowledged against the books. open is how many purchases
// there are whose outcome nobody knows: so many orders more may be in the books.
func judge(told ledger, b *books, open int64) []report.Check {
	lost, extra := told.Orders-b.players.Orders, b.players.Orders-told.Orders
	for sku, units := range told.Units {
		lost = max(lost, units-b.players.Units[sku])
	}
	others := extra == 0 && told.Digest != b.players.Digest
	checks := []report.Check{
		check("stock and money add up in the books", b.conserved, "%s", strings.Join(b.wrong, "; ")),
		check("nothing is held or under way any more", b.settled, "units are held, unconfirmed, or on their way between slices"),
		check("no acknowledged purchase is lost", lost <= 0 && !others, "%d orders acknowledged, %d in the books", told.Orders, b.players.Orders),
		check("nothing was bought twice, or without saying so", extra <= open && !others,
			"%d orders in the books, %d acknowledged and %d open", b.players.Orders, told.Orders, open),
	}
	if others {
		checks[2].Detail = "as many orders are in the books, but not the same"
		checks[3].Detail = checks[2].Detail
	}
	if open == 0 {
		for currency, spent := range told.Spent {
			if paid := b.players.Spent[currency]; paid != spent {
				checks = append(checks, check("players paid what they were told", false, "%d %s by the books, %d by the answers", paid, currency, spent))
			}
		}
	}
	return checks
}

func check(name string, ok bool, detail string, args ...any) report.Check {
	c := report.Check{Name: name, OK: ok}
	if !ok {
		c.Detail = fmt.Sprintf(detail, args...)
	}
	return c
}

// auditPause is the pause between two looks at books that have not settled.
const auditPause = 100 * time.Millisecond

// settle reads the books until they agree, or time is up. That they cannot be read
// any more is something to tell, and no reason to forget all else.
func (r *run) settle(ctx context.Context) ([]report.Check, error) {
	until := time.Now().Add(r.Settle)
	for {
		b, err := readBooks(ctx, r.rpc, r.Prefix)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		checks := []report.Check{check("the books can be read", err == nil, "%v", err)}
		if err == nil {
			b.players.without(r.before)
			checks = judge(r.ledger, b, r.open)
		}
		if allHold(checks) || time.Now().After(until) {
			return checks, nil
		}
		select {
		case <-time.After(auditPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func allHold(checks []report.Check) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}
