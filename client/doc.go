// Package client is the Go client of Holdfast: the protocol of proto/client/v1
// over WebSocket, in both of its subprotocols.
//
// Conn is the general client. It owns one connection and its replacement when
// that one drops, matches replies to requests, and sends requests again on a
// new connection: the same ones, with the same numbers, which is what makes a
// purchase happen once however often it was sent. Any number of goroutines may
// use a Conn at once.
//
// A ZoneView is what a Conn sees of a zone that it has entered: it follows the
// frames of proto/delta and asks for a picture when it cannot. After a reconnect
// the Conn enters its zones and joins its groups again by itself.
//
// Lane is the lean client of load generators: one goroutine, one request in
// flight, no allocation for a request. It does not reconnect by itself.
//
// The caller brings a token, closes what it dialled, and decides what to do
// with a refusal: an *Error whose RetryAfter is set may be sent again, with the
// same number. The package does not retry refusals, and does not mint tokens.
package client
