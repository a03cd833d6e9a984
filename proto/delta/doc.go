// Package delta is the codec of moving worlds: a table of entities with
// fixed-point fields goes in tick by tick, and out come frames that say how each
// differs from what was to be expected after those before. Nothing is lost: what
// a decoder has is what the encoder was given.
//
// The caller gives tables whose rows are sorted by id, sends frames in order, and
// fetches a keyframe for who has missed one. Encoder and Decoder are not safe for
// concurrent use. The package does no I/O and reads no clock.
//
// # What is expected
//
// Encoder and decoders remember the same of each entity, and expect it to go on:
// positions along digital straight lines (type line), which soon are known so well
// that the rounding of the next value holds no surprise; that is one bit for all
// of an entity's motion, which costs a few hundredths of a bit while it holds. An
// entity that turns is expected to keep its speed and to go where its heading
// points. Attributes are expected to stay, unless what they were always ended
// after that time. What is left is coded bit by bit with an adaptive arithmetic
// coder (type coder), whose models learn from all entities.
//
// # Frames
//
// All integers are big-endian; a varint is that of Protocol Buffers. Arithmetic is
// in 32 bits, so that client/js/src/delta.ts does the same.
//
//	 7   5   4   3   0
//	+-----+-----+-----+
//	|  1  | key |epoch|   the first byte: version of the format, keyframe or not,
//	+-----+-----+-----+   the lowest 4 bits of the epoch
//
// A frame against history follows the frame with the number before it:
//
//	+-------+-------+---------------+- - - - - - -+
//	| first |  seq  |     hash      |    bits     |
//	+-------+-------+---------------+- - - - - - -+
//	 1       1       2               0 or more bytes
//
// seq is the lowest byte of the frame's number, hash the upper half of the
// hash of the table after it. The bits:
//
//	tick           number: the ticks since the last frame, less 1
//	changed        bit: has an entity joined or left?
//	if changed
//	  left         bit for each entity there was
//	  joins        number, and for each who joins, by increasing id:
//	    id         number; from the second on, less the one before, less 1
//	    values     signed number for each field: the difference to the last who joined
//	for each entity that was there before
//	  attributes   bit: has one changed? If so, for each a bit, and its new value
//	  straight     bit: is the heading the same, and are all positions on their lines?
//	  if so, for each position whose line is open to two or three values
//	    deviates   bit, and another where there are three
//	  if not
//	    turn       signed number, if there is a heading
//	    stop       bit: do all positions stay?
//	    if not, for each position, the faster of the first two first
//	      astray   signed number: the difference to where the velocity leads
//
// Fields that a schema does not have are left out. A keyframe is all that the
// state consists of:
//
//	+-------+--------+-------+-----+------+-------+----+- - - -+-----+
//	| first | schema | epoch | seq | tick | start | hz | bits  | sum |
//	+-------+--------+-------+-----+------+-------+----+- - - -+-----+
//	 1       4        varints, start in Unix ms                  4
//
// schema is FNV-1a over the fields (kind, bits, length of name, name), sum FNV-1a
// over all bytes before it, combined by exclusive or with the hash of the table.
// The bits are coded with models of their own:
//
//	entities       number, and for each
//	  id           number: the difference to the one before, less 1
//	  values       signed number for each field: the difference to the row before
//	  lines        for each position: n, b-1, a, rho, c; the leaning points;
//	               the smoothed velocity where it is of use
//	  past         age, habit, turn, astray
//	joined         the values of the last one who joined
//	changed        bit: as in the last frame
//	models         for each a bit: has it learnt? If so its count and probability
//
// The keyframe that a decoder makes is, byte for byte, the encoder's as of the
// same frame.
//
// # Bits
//
// A number is a bit whether it is 0, for signed ones a bit whether it is below 0,
// the number of its bits less 1 in unary, and its bits but the first. Which model
// each bit has is in layout and number. A model that has seen n bits moves towards
// the next one by 1/(n+1.5) of the way; n stops at 255.
package delta
