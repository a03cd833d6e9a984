// Package journaltest has the double of what a log is written to: a model of a
// replicated JetStream stream behind an unreliable network, driven by a seed.
//
// The model keeps what JetStream promises: an entry is acknowledged only when
// it is committed, what is committed stays, in order, and an expected sequence
// is enforced. Everything else goes wrong at the rates the caller asks for:
// requests and answers are lost, delayed past later ones and doubled, also
// across a lost connection; entries are proposed and then dropped by a change
// of leaders; refusals are judged against entries that are never committed;
// reads are answered by replicas that are behind.
//
// Nothing happens by itself and no time passes: each call of Step lets the
// network or the server do one thing.
package journaltest
