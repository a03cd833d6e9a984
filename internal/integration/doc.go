// Package integration holds the tests that run whole processes: nodes that are
// killed, paused and restarted in the middle of a sale, and whose books are
// audited afterwards. It has no code of its own for others to import.
package integration
