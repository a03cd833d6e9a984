// Package tape keeps what a gateway received and sent: the file format, a
// Writer and a Reader, and the Recorder that a gateway tells of its frames.
//
// It owns the format, what may stand in it, and the redaction of what may not.
// A Recorder never makes the gateway wait: what the disk does not take in time is
// dropped and counted. Its caller gives a folder and the key with which player ids
// are hashed, and closes it. Package splice has the tools that make tapes out of
// tapes, package synth makes tapes up, and neither knows more than this package
// says.
//
// It does not know what the frames mean, beyond what must not be kept, and sends
// nothing to anybody.
//
// # The file
//
// All integers are big-endian; a varint is that of Protocol Buffers. A file is
//
//	+----------+-------+-------+- - - - -+-------+--------+
//	| preamble | block | block |         | index | footer |
//	+----------+-------+-------+- - - - -+-------+--------+
//
// and only ever grows at its end. One whose writer was killed ends after a block,
// or within one: all whole blocks before that can be read, and the index is made
// again from their heads.
//
//	preamble  +-------------------+---------+------+- - - - -+-------+
//	          | 89 "tape" 0d 0a 1a | version | size | header  | check |
//	          +-------------------+---------+------+- - - - -+-------+
//	           8                    2         4      size      8
//
// The magic is that of PNG in other words: a transfer as text breaks it at once.
// header is a holdfast.tape.v1.Header. Each check is the xxhash64 of all bytes of
// its part before it. The version is 1; it changes when a program that knows only
// the old one would misread the file.
//
//	block     +--------+-----+------+-------+------+---------+------+-------+- - - - -+
//	          | "blck" | raw | size | first | last | records | lost | check | payload |
//	          +--------+-----+------+-------+------+---------+------+-------+- - - - -+
//	           4        4     4      8       8      4         8      8       size
//
// payload is one zstd frame of raw bytes: records, one after the other. first and
// last are the times of the first and the last of them, in nanoseconds since the
// tape's start; lost is what its records of kind Dropped add up to. Here, check
// covers the head before it and the payload behind it.
//
//	index     +--------+-------+- - - - - - - - - - - - - - - - - - - - - -+-------+
//	          | "indx" | count | offset, first, last, records, lost, each  | check |
//	          +--------+-------+- - - - - - - - - - - - - - - - - - - - - -+-------+
//	           4        4       count times 8+8+8+4+8                       8
//
//	footer    +-----------------+--------+
//	          | offset of index | "tend" |
//	          +-----------------+--------+
//	           8                 4
//
// A record begins with what kind it is and how much later it is than the one
// before it in its block, or than first; times never go back.
//
//	Opened    kind 1, dt varint, connection varint, player (length varint, bytes)
//	Closed    kind 2, dt varint, connection varint
//	Received  kind 3, dt varint, connection varint, wire varint, frame (length varint, bytes)
//	Sent      kind 4, dt varint, connection varint, wire varint, frame (length varint, bytes)
//	Shown     kind 5, dt varint, stream varint, viewers varint, wire varint, frame (length varint, bytes)
//	Dropped   kind 6, dt varint, records lost varint
//
// wire is the size of the message that carried the frame, in the subprotocol that
// it had. Frames are Protocol Buffers always, a ClientFrame in Received and a
// ServerFrame in the others.
//
// A connection that was open when the tape began is Opened at the very beginning.
// So each tape of a long recording can be read alone.
package tape
