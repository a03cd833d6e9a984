// Package actors defines what a kind of actor is: a state machine that decides
// what a message should do, folds events into its state, and can be written to
// bytes and read back.
//
// A behaviour does no I/O and reads no clock, no random source and no global
// state: time and ids arrive in the message, so that replaying the same events
// always gives the same state. Everything else is the host's business (package
// shard): it loads the actor, delivers one message at a time, applies and
// journals the events of a decision, and sends its messages and replies, which
// leave the node only when the events are durable.
//
// A kind is one package with a constructor that returns a Kind, and one line
// that registers it in a main. The kinds of Holdfast itself, player and stock,
// use nothing that a kind of somebody else could not.
package actors
