// Package bench puts load on a Holdfast cluster and holds what was acknowledged
// against the cluster's own books. It is a black box: it speaks WebSocket
// through package client, and the admin API.
//
// Sale is a flash sale. In closed loop each player has one purchase in flight
// and sends the next when it is answered; in open loop purchases are due at a
// fixed rate and their latency counts from the moment they were due, so that a
// stall shows in every purchase it delayed. Every acknowledged order id is
// kept. A purchase whose outcome is unknown is sent again, with its number,
// until it is known. Every request and its answer can be recorded, for package
// history to judge. Echo is the same client against a bare WebSocket echo
// server: what the machine could do at best. Demo is a short sale for people.
//
// Peers holds the same sale on Holdfast and on what one would build without it
// (package baseline), in turn, and draws what came of it.
//
// Package world has the loads of moving worlds, of idle connections and of many
// zones.
//
// The caller gives a cluster to talk to, or nothing: then a node of its own is
// started in another process and a temporary folder, and ended by its process
// id (package launch). Command and DemoCommand are the cobra commands for all
// of it.
//
// The package draws no conclusions from figures and keeps no earlier ones.
package bench
