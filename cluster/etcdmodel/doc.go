// Package etcdmodel is the part of etcd that ownership rests on, in memory:
// keys with mod-revisions, transactions, leases that run out, the history that
// watches read, and compaction. It is for simulations that need thousands of
// runs. A test does the same to it and to etcd, and compares.
//
// A Model has no clock: its caller says what time it is, and when leases run
// out. A client of it (Model.Client) hands every call to a Carrier, which decides
// whether and when it arrives, how often, and whether the answer does.
//
// It knows no users, no limits and no streams, compares nothing but revisions and
// leases, and is not for concurrent use.
package etcdmodel
