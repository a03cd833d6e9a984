// Package play is the page to play on, as a gateway serves it:
//
//	GET  /play/       the page and what it consists of
//	POST /play/token  {"player": "ann"} is answered with {"token": "…"}
//	GET  /            goes to /play/
//
// It owns the files, which are built from client/js/play and are part of the
// program, what a browser is told about them, and the limits on giving out tokens.
// The caller supplies what signs a token and may supply what a new player is
// given first, and has Seed make the zone and the product that the page is about.
//
// Whoever can reach the page can be any player: it is for trying things out, and a
// cluster whose players are real has it off. The package knows nobody's password,
// and keeps nothing but how many tokens an address has asked for lately.
package play
