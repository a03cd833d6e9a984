package baseline

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Store keeps wallets, stock and answers.
type Store interface {
	// PutProduct puts a new product on sale.
	PutProduct(ctx context.Context, p Product) error
	// Grant gives money to a player who has none yet.
	Grant(ctx context.Context, player string, amount int64) error
	// Buy makes a purchase, once for a player's request: a copy is answered as the
	// first was, whatever it asks for. A refusal is an answer; after an error
	// nobody knows what became of the purchase.
	Buy(ctx context.Context, p *Purchase) (Receipt, error)
	// Books reads everything, while nobody buys.
	Books(ctx context.Context) (*Books, error)
	// Close lets go of the connections to the store.
	Close() error
}

// Product is one thing on sale.
type Product struct {
	SKU   string
	Price int64 // of one unit
	Stock int64 // units
}

// Purchase is what a player asks for.
type Purchase struct {
	Player   string
	Request  uint64 // the player's number for it
	SKU      string
	Quantity int64
}

// Receipt is the answer to a purchase, which the store remembers.
type Receipt struct {
	// Code says why not; CODE_UNSPECIFIED: it was bought.
	Code     clientv1.Code
	SKU      string
	Quantity int64
	Price    int64 // of all units
	// Balance is what the wallet held afterwards.
	Balance int64
}

// of says whether the receipt is that of a purchase with these contents.
func (r Receipt) of(p *Purchase) bool { return r.SKU == p.SKU && r.Quantity == p.Quantity }

// refusal is the receipt of a purchase that was not made.
func refusal(c clientv1.Code, p *Purchase) Receipt {
	return Receipt{Code: c, SKU: p.SKU, Quantity: p.Quantity}
}

// String is how stores that keep texts keep a receipt. buy.lua writes it too.
func (r Receipt) String() string {
	return fmt.Sprintf("%d %d %d %d %s", r.Code, r.Quantity, r.Price, r.Balance, r.SKU)
}

// parseReceipt reads what String writes.
func parseReceipt(s string) (Receipt, error) {
	parts := strings.SplitN(s, " ", 5)
	if len(parts) != 5 {
		return Receipt{}, fmt.Errorf("parse receipt %q: %d parts", s, len(parts))
	}
	var n [4]int64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return Receipt{}, fmt.Errorf("parse receipt %q: %w", s, err)
		}
	}
	return Receipt{Code: clientv1.Code(n[0]), Quantity: n[1], Price: n[2], Balance: n[3], SKU: parts[4]}, nil
}

// Books are all that a store holds.
type Books struct {
	// Left are the units in stock, by SKU.
	Left map[string]int64
	// Wallets are what players hold, by id.
	Wallets map[string]int64
	// Orders are the purchases that were made, without refusals, in no order.
	Orders []Order
}

// Order is one purchase in the books.
type Order struct {
	Player  string
	Request uint64
	Receipt
}

func newBooks() *Books {
	return &Books{Left: make(map[string]int64), Wallets: make(map[string]int64)}
}

// enter adds an answer, if it was a purchase.
func (b *Books) enter(player string, request uint64, r Receipt) {
	if r.Code == clientv1.Code_CODE_UNSPECIFIED {
		b.Orders = append(b.Orders, Order{player, request, r})
	}
}

// parse enters an answer of a store that keeps texts.
func (b *Books) parse(player, request, receipt string) error {
	n, err := strconv.ParseUint(request, 10, 64)
	if err != nil {
		return fmt.Errorf("parse request number: %w", err)
	}
	r, err := parseReceipt(receipt)
	if err != nil {
		return err
	}
	b.enter(player, n, r)
	return nil
}
