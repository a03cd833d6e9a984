// Package requests makes the effect of a request happen once, however often the
// request is sent.
//
// Once turns any kind of actor into one whose numbered requests happen once. It
// is for kinds that answer a command in the same decision; package player, whose
// answers take longer, has a table of its own.
//
// Table is what Once keeps: per caller, the answers to requests above a
// watermark. IDs is a table of ids that operators chose, for methods whose
// requests carry one.
//
// The tables are state of the kind that uses them: they change only when it
// applies an event, and are part of its snapshots. Its events say what was
// forgotten, so that replay forgets the same whatever the limits are by then.
//
// The package does not judge requests: what is allowed, and what a refusal
// means, is for the kind to say.
package requests
