// Package requests makes the effect of a request happen once, however often the
// request is sent.
//
// IDs is a table of ids that operators chose, for kinds whose methods carry one.
//
// The tables are state of the kind that uses them: they change only when it
// applies an event, and are part of its snapshots. The kind says in its events
// what was forgotten, so that replay forgets the same whatever the limits are
// by then.
//
// The package does not judge requests: what is allowed, and what a refusal
// means, is for the kind to say.
package requests
