// Package baseline is what one would build without Holdfast: a plain gorilla
// WebSocket gateway before a store that others make, which speaks the same
// protocol and makes the same purchase. Package bench compares the two.
//
// A purchase is the same work in every store, in one transaction: the product's
// price is debited from the player's wallet, the stock is decremented, and the
// answer is remembered under the player's request number, so that the same
// request, sent again, is answered alike and buys nothing; a refusal is
// remembered as well. Redis does it in a Lua script; etcd in an optimistic
// transaction that is tried again when somebody else was faster; PostgreSQL in a
// transaction whose statements travel together.
//
// Each peer is there at its best within that plan: one round trip a purchase, or
// two with etcd, as many purchases under way in the store as serve it best, and
// nothing in the gateway but reading, asking and answering. Every store but Redis with appendfsync everysec
// has a purchase on the disk before it is acknowledged, as Holdfast has.
//
// A Peer starts its server and its gateway in processes of their own, on ports
// and in a folder of their own; the caller stops what it has started. A peer
// whose server is not installed says so and how to install it.
//
// The package puts no load on anything and draws no conclusions. It is not a
// part of any Holdfast cluster: it is here only to be compared with.
package baseline
