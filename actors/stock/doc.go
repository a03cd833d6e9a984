// Package stock is the kind of actor that holds a product's units.
//
// A product's stock is cut into slices, fixed when the product is created; each
// slice is one actor, named "<sku>/<slice>", and sells its units alone, so that
// one hot product uses every core and node. A unit in a slice is free, held for
// an order, or sold; what operators put in, and what slices lend each other,
// explains the sum:
//
//	free + held + sold = initial + restocked + received - lent
//
// # Orders
//
// A slice knows orders by player and request number. Reserve holds units or
// says that there are too few; the answer to a copy is the same. A hold ends
// when the player says so, never by a timer: Confirm books it as sold, a
// HoldVerdict may let it go. A hold that has stood for long makes the slice ask
// the player (hold.go). Numbers of sold orders are kept until the player's
// watermark passes them, because a late copy of their Reserve would hold units
// again, and the player's answer would sell them twice.
//
// # Lending
//
// A slice that is empty and asked for units borrows from its siblings
// (borrow.go); whoever has enough gives half (lend.go). Transfers are numbered,
// and repeated until acknowledged. SoldOut tells players which siblings were
// empty a moment ago, so that a sale's end does not cost every late player a
// round through all slices.
//
// # What the package does not do
//
// It knows no prices, wallets or limits: whether an order is in order is for
// the player to decide (package player).
package stock
