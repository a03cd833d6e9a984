// Package clienttest is a server for tests of clients: a gorilla WebSocket
// server that speaks proto/client/v1, a Shop that sells by its rules from
// memory, and a Stage that plays a zone by hand. It has none of a gateway's
// limits, and a token is the player's id unless Server.Identify says otherwise.
package clienttest
