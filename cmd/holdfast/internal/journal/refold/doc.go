// Package refold puts states of actors together from their events, without a node
// and without anything that an actor may do besides: it is what recovery does,
// for programs that look at logs.
//
// The caller reads logs and checkpoints, knows in which order events follow, and
// keeps the actors. What it may be given is old, damaged, or of another program,
// so that every panic of an actor is an error here.
//
// It does not judge: that an event is missing, or there twice, is the caller's to
// find.
package refold
