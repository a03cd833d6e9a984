// Package replay plays a tape back against a cluster, faster and with more players
// than there were, and says what has become of the requests, then and now.
//
// It owns the schedule of a replay, the players that take the places of those on
// the tape, the worker processes that send for them, and the comparison. The
// caller names a tape and a cluster; the products, zones and groups that the tape
// speaks of must be there, or are put on sale if Config.Stock says so.
//
// Requests are sent when they are due, whatever became of those before: a tape's
// time divided by the speed. There is one exception. A request that was sent after
// the answer to an earlier one of the same player had come may have used it, and
// waits for the answer now. Latencies count from when a request was due, so that
// waiting is in them.
//
// A worker is one goroutine that owns all its players and their connections, and
// others that only open connections: nothing is locked, and a request costs two
// system calls. What a worker measures of its own delay decides who is called the
// limit.
//
// It does not follow worlds, repeats nothing by itself, and does not know what
// the payloads of calls mean.
package replay
