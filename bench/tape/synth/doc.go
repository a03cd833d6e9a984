// Package synth makes tapes up: what crowds of players would send who behave as a
// spec says. The same spec and seed make the same tape, byte for byte.
//
// It owns the specs, their YAML form and the built-in profiles. The caller gives a
// tape.Writer. A made-up tape has what clients send and not what they are
// answered: nobody has answered. Its players are called after their crowds, so
// that nobody is hashed.
//
// The times between two things that a player does, and how long it stays, are
// log-normal: people mostly take their usual time, and now and then much longer.
// Which product they take follows Zipf's law: the k-th most popular is taken as
// often as 1/k to the power of an exponent.
package synth
