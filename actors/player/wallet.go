package player

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-game/holdfast/actors"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// purse is what a player has of one currency.
type purse struct {
	currency string
	balance  int64
	funded   int64 // ever put in
	priced   int64 // sum of the prices of completed orders
}

// wallet is sorted by currency.
type wallet []purse

func startWallet(start map[string]int64) wallet {
	w := make(wallet, 0, len(start))
	for currency, amount := range start {
		w = append(w, purse{currency: currency, balance: amount, funded: amount})
	}
	slices.SortFunc(w, func(a, b purse) int { return cmp.Compare(a.currency, b.currency) })
	return w
}

func (w wallet) find(currency string) (int, bool) {
	return slices.BinarySearchFunc(w, currency, func(p purse, c string) int { return cmp.Compare(p.currency, c) })
}

// balance returns what is there of a currency.
func (w wallet) balance(currency string) int64 {
	if i, ok := w.find(currency); ok {
		return w[i].balance
	}
	return 0
}

// purse returns the purse of a currency, adding one if there is none.
func (w *wallet) purse(currency string) *purse {
	i, ok := w.find(currency)
	if !ok {
		*w = slices.Insert(*w, i, purse{currency: currency})
	}
	return &(*w)[i]
}

// opening is the wallet as the first event has it.
func (w wallet) opening() *journalv1.PlayerOpening {
	o := &journalv1.PlayerOpening{Wallet: make([]*journalv1.Amount, len(w))}
	for i, p := range w {
		o.Wallet[i] = &journalv1.Amount{Currency: p.currency, Amount: p.balance}
	}
	return o
}

// item is what a player has of one product.
type item struct {
	sku      actors.SKU
	quantity int64
	bought   int64 // ever
}

// backpack is sorted by SKU.
type backpack []item

func (b backpack) find(sku actors.SKU) (int, bool) {
	return slices.BinarySearchFunc(b, sku, func(i item, s actors.SKU) int { return cmp.Compare(i.sku, s) })
}

// bought returns how many units were ever bought.
func (b backpack) bought(sku actors.SKU) int64 {
	if i, ok := b.find(sku); ok {
		return b[i].bought
	}
	return 0
}

// item returns the item of a product, adding one if there is none.
func (b *backpack) item(sku actors.SKU) *item {
	i, ok := b.find(sku)
	if !ok {
		*b = slices.Insert(*b, i, item{sku: sku})
	}
	return &(*b)[i]
}

// debit takes the price of an order out.
func (p *purse) debit(price int64) error {
	if price < 0 || price > p.balance {
		return fmt.Errorf("debit %d %s: the wallet holds %d", price, p.currency, p.balance)
	}
	p.balance -= price
	p.priced += price
	return nil
}
