// Package player is the kind of actor that holds a player: wallet, backpack and
// orders.
//
// # A purchase
//
// The client numbers its requests; player and number together name the order.
//
//  1. Buy (buy.go): a number that was answered before is answered alike, a copy
//     of one under way joins it. A new one is evaluated; then its price is set
//     aside, in memory, and a slice of the stock is asked to reserve.
//  2. Reserved (answers.go): one event, PurchaseCompleted, debits the price and
//     grants the items. It is the commit point. SoldOut: the next slice is
//     asked. Only a slice's answer leads to the next, never its silence, or
//     several would hold units for one order.
//  3. The slice is told (confirm.go), mostly along with the next Reserve, and
//     until it acknowledges. The acknowledgement is journaled, mostly along with
//     the next purchase.
//
// So a purchase is one event here and one at the slice. What is under way is
// not journaled: a crash forgets it, and a retry of the client begins anew
// under the same number, which the slice recognises.
//
// # The table
//
// Orders stay in a table of bounded size that answers copies. Refusals stand in
// it too: a late copy of a refused request must not buy. When the table is full
// the lowest numbers give way, and the watermark says up to where; an order
// that its slice has not acknowledged does not give way, and a table full of
// those refuses new requests for a moment.
//
// # What the package does not do
//
// It knows no units: how many are left, and who else wants them, is for the
// slices to decide (package stock).
package player
