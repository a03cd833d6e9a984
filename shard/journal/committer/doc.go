// Package committer is the heart of the node log without its body: the state
// machine that decides which entry is published when, what is read back after a
// refusal, and what is durable. It does no I/O and reads no clock, so that a
// simulator can play it against a model of the log as well as package journal
// can against JetStream.
//
// The caller numbers the entries by offering them, keeps their contents until
// they are durable, carries out the effects in order, and calls Step with Tick
// when Deadline has come. It must name an entry's predecessor with each publish,
// or a seal fences nobody.
//
// It does not know what entries hold, and buffers nothing.
package committer
