// Package report keeps what was measured while load was put on a cluster, and
// shows it.
//
// It owns Run, which is all of it as one JSON document: what the generator sent
// and got back, second by second; what the nodes used meanwhile, and which shards
// changed their owners, which a Sampler finds out; and what became of the requests
// of a tape, then and now. WritePage makes one HTML file of a run, or of two side
// by side, that needs no network.
//
// Whoever puts the load fills in the rest of a Run, and says what it found out:
// the package compares and draws, but judges nothing.
package report
