// Package history keeps what the clients of a load run asked and were answered,
// and judges it afterwards, together with the cluster's own log, as a sceptic
// would: was every acknowledged purchase kept, once, in an order that the
// clients could have seen?
//
// A Recorder writes operations to a folder while the load runs, one JSON line
// for each time a request was sent (Op, drawn in format.go). The runner adds the
// cluster's log as `holdfast log dump` prints it, and the books. Check reads
// the folder and judges it; a kept folder can be judged again at any time
// (CheckCommand).
//
// # What is checked
//
// Each check stands for itself, with counterexamples in words:
//
//   - acknowledged: an acknowledged purchase stands in the log exactly once, as
//     it was acknowledged; a refused one not at all, and the refusal once; one of
//     unknown outcome at most once; nothing that nobody asked for.
//   - order: when one purchase was answered before another was sent, no log has
//     them the other way round: not a player's, not a slice's, not a node's.
//   - stock: by SKU, in real time: never more sold than was put on sale.
//   - wallet: by player: balances as of a register that only one at a time can
//     change, reads included (linearizable).
//   - log: entries without gaps, nothing counted behind a seal, the events of
//     each actor numbered without gap or double over all logs, one writer for
//     each epoch of a shard.
//   - books: the log, folded anew, adds up: units, money, order by order; and the
//     cluster's own accounts say the same.
//   - answers: a request that was answered twice was answered the same.
//   - sold out: nobody was told so while some slice had enough all the time.
//
// stock and wallet are put to porcupine (github.com/anishathalye/porcupine), with
// unknown outcomes left open: they may take effect at any time after they were
// sent, or never.
//
// # What is not promised, and so not checked
//
// SOLD_OUT is not linearizable. Stock is cut into slices, and it is said when
// each slice, asked one after the other, had too little: meanwhile another may
// have got units back, units may be on their way between slices, and units held
// for purchases that come to nothing are free again later. So a purchase may be
// told that all is sold out, and a later one of the same player succeed.
//
// The caller must give the whole log, from its first entry: a cluster that
// purges its logs cannot be judged afterwards. Memory is bounded by the number
// of operations, about 250 bytes for each, not by the size of the files.
//
// The package knows the protocols, and nothing of the server's code: what a slice
// or a wallet is, it says again, in its own words.
package history
