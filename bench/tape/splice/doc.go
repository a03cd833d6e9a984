// Package splice makes tapes out of tapes: it cuts, merges and filters them,
// looks into them, and tells whether they are whole. Commands are the cobra
// commands for that, and for tapes that package synth makes up.
//
// The caller opens what is read; what is written is always a new file. Where a
// tape is damaged, what stands before the damage is used, and the damage is the
// error that is returned in the end.
//
// It plays nothing back, and does not judge what happened on a tape.
package splice
