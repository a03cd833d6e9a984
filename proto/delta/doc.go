// Package delta is the codec of moving worlds: a table of entities with
// fixed-point fields goes in tick by tick, and what comes out is a frame that says
// how it differs from what could be expected of the table before.
//
// The caller gives tables whose rows are sorted by id and whose values fit into
// their fields' bits, sends frames in order, and fetches a keyframe for who
// has missed one. Encoder and Decoder are not safe for concurrent use.
//
// The package does no I/O, reads no clock and loses nothing: what a decoder has
// is what the encoder was given.
package delta
