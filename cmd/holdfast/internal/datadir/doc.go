// Package datadir is a node's data folder: who may use it, what version it has,
// and the small files that a node leaves there for its successor and for the
// people and programs around it.
//
//	LOCK         held for as long as a process uses the folder
//	FORMAT       version of the folder's layout, a decimal number
//	lease        lease of the process that used the folder last, hexadecimal
//	auth.secret  key of the players' tokens, made when none is configured
//	admin.token  bearer token of the admin listener, likewise
//	node.json    where the node is reached; only while it is ready
//	stack/       data of the embedded etcd and NATS
//
// Whoever opened a Dir closes it, after everything that uses the folder. The
// package does not know what the lease or the secrets are good for.
package datadir
