// Package world shows moving worlds to many viewers and measures how they reach
// them: how late, how often, in how many bytes, and what it costs the server. It
// is a black box: viewers speak WebSocket, zones are made through the admin API.
//
// Viewers share the machine with the server that they measure, so they are
// cheap: one goroutine reads all of their sockets, and notes which message came
// when. Messages are told apart by 64 bits of their contents; each is kept once.
// What they mean is looked at when a measurement is over: the frames of a stream
// are put in order by decoding them once, from whoever was sent them, and each
// viewer's notes are held against that order. So every byte of every viewer is
// accounted for, and a few viewers' frames are decoded one by one as well.
//
// World is one zone before many viewers. Its baseline is a bare
// gorilla/websocket server in a process of its own that sends the same entities
// as full protobuf snapshots to the same viewers. Idle is connections that do
// nothing, Zones is many zones with few viewers. Commands are the cobra commands
// for all of them.
//
// The caller gives a cluster to talk to, or nothing: then a node of its own is
// started. The package draws no conclusions from figures.
package world
