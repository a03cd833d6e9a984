// Package bisect finds the first record of a history on which two builds of the
// program disagree. Its caller reads the history, a few times, and names two
// programs; each of them is run as a child, is given the same bytes, and says what
// they make of the states of actors. Neither needs to reach the logs, or to be able
// to read them: only the events are theirs to understand.
//
// # How it searches
//
// States of actors depend on nothing but their own events, so that two builds
// disagree on an actor first, and on others independently. To encode a state after
// each of its events would take time with the square of their number, where states
// are large. So:
//
//  1. All items of the history are folded, a range of them at a time
//     (Config.Every), and after each range every build says the hash of each actor
//     that the range has touched. Both work at the same time, and the next range is
//     read meanwhile.
//  2. At the first range after which a hash differs, both builds are started
//     again, and given the events of those actors only: in ranges up to the
//     beginning of that one, and from there on in a 32nd of it, until they differ.
//     That is done again with what is left, until it is one record: three times,
//     for 10,000. Should the builds disagree before the range already, because a
//     difference had vanished at its end, it is narrowed down to that instead.
//  3. Both builds show the state behind the record that was found.
//
// A difference that vanishes within a range, and leaves none on the way, is not
// seen, unless Every is 1. A build that ends, or does not answer in time, disagrees
// with one that does; that both refuse an event is no disagreement.
//
// # What is said
//
// On standard input and output of the child; what it writes to standard error is
// shown when it ends. Integers are little endian, uvarint is that of
// encoding/binary, and a string is a uvarint, its length, and its bytes. A frame is
//
//	offset  size
//	0       4     length n of what follows, at most 64 MiB
//	4       1     type
//	5       n-1   body
//
// The child begins with one hello. Then it gets frames and answers each, in order,
// until its input ends.
//
//	'H' hello, of the child
//	    string   "holdfast-fold"
//	    uvarint  version of this protocol: 1
//	    string   version of the build
//	'F' fold, to the child: items until the end of the body, each
//	    1 byte   'e' an event, the next of its actor; 's' its state in a checkpoint
//	    string   kind
//	    string   id
//	    uvarint  number of the event, or how many events the state has
//	    string   event or state, encoded
//	'A' answer to a fold: of each actor in it, in the order of their first items,
//	    after all of them
//	    string   "" and then
//	      8      its share of the state hash (checkpoint.Actor.Hash)
//	    or why it could not be folded, and then nothing. It stays so.
//	'S' show, to the child
//	    string   kind
//	    string   id
//	    string   an event of that kind, or ""
//	'T' answer to a show
//	    string   the actor's state as JSON, or ""
//	    string   the event as JSON, or ""
//
// A child that knows another version of this says so in its hello. Bodies are only
// ever extended with a new version.
package bisect
