// Package delta measures package proto/delta on traces: what happens in a world,
// tick by tick, from a file or made by Generate from a seed. Each tick is encoded
// as the codec's frame, and beside it as others would send it: as a protobuf
// snapshot, as JSON, and as that snapshot compressed with the one before it for a
// dictionary. Each frame is decoded, and compared with what went in.
//
// Command is the cobra command for all of it. The package needs no cluster, and
// draws no conclusions from figures.
package delta
