package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/holdfast-game/holdfast/cluster"
)

// Entry is one entry of a log.
type Entry struct {
	Seq         cluster.LogSeq
	Incarnation cluster.Incarnation
	// Number counts the entries of the incarnation, from 1. It is the same as Seq
	// up to the first seal, and 0 for a seal.
	Number  uint64
	Seal    bool
	Records []Record
}

// An entry, version 1. Integers are little endian.
//
//	offset  size
//	0       3     "HFE"
//	3       1     version: 1
//	4       1     type: 1 records, 2 seal
//	5       1     length i of the incarnation
//	6       i     incarnation: of the writer, or of whoever sealed
//	6+i     8     number; 0 in a seal
//	14+i    4     number of records; 0 in a seal
//	18+i    …     the records, one after the other (see record.go)
//	end-4   4     CRC-32C of everything before
//
// Entries are readable for ever: testdata/ holds one of each version.
const (
	entryMagic   = "HFE"
	entryVersion = 1

	typeRecords = 1
	typeSeal    = 2

	maxIncarnation = 255

	entryOverhead = 18 + 4 // without the incarnation
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newHeader returns the header of inc's entries, with number and count left 0.
func newHeader(typ byte, inc cluster.Incarnation) []byte {
	h := append([]byte(entryMagic), entryVersion, typ, byte(len(inc)))
	h = append(h, inc...)
	return append(h, make([]byte, 12)...)
}

// headerSize is the size of the header of inc's entries.
func headerSize(inc cluster.Incarnation) int { return entryOverhead - 4 + len(inc) }

// finishEntry fills in the header that buf begins with and appends the checksum.
func finishEntry(buf []byte, header int, number uint64, records int) []byte {
	binary.LittleEndian.PutUint64(buf[header-12:], number)
	binary.LittleEndian.PutUint32(buf[header-4:], uint32(records))
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
}

// encodeSeal returns the entry with which by ends a log.
func encodeSeal(by cluster.Incarnation) []byte {
	return finishEntry(newHeader(typeSeal, by), headerSize(by), 0, 0)
}

// head decodes everything but the records, which it returns with their number.
// The incarnation is kept when it is the one that e holds already.
func (e *Entry) head(data []byte) (records []byte, count uint32, err error) {
	if len(data) < entryOverhead || string(data[:3]) != entryMagic {
		return nil, 0, fmt.Errorf("%w: %d bytes that are no entry", ErrCorrupt, len(data))
	}
	if data[3] != entryVersion {
		return nil, 0, fmt.Errorf("%w: version %d, this program reads version %d", ErrCorrupt, data[3], entryVersion)
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, 0, fmt.Errorf("%w: checksum is %08x, must be %08x", ErrCorrupt, got, sum)
	}
	header := entryOverhead - 4 + int(data[5])
	if header > len(body) {
		return nil, 0, fmt.Errorf("%w: header is cut off", ErrCorrupt)
	}
	if inc := body[6 : header-12]; string(e.Incarnation) != string(inc) {
		e.Incarnation = cluster.Incarnation(inc)
	}
	e.Number = binary.LittleEndian.Uint64(body[header-12:])
	count = binary.LittleEndian.Uint32(body[header-4:])
	e.Seal = data[4] == typeSeal
	switch {
	case data[4] != typeRecords && data[4] != typeSeal:
		return nil, 0, fmt.Errorf("%w: unknown type %d", ErrCorrupt, data[4])
	case e.Seal && (e.Number != 0 || count != 0 || len(body) != header):
		return nil, 0, fmt.Errorf("%w: seal with contents", ErrCorrupt)
	}
	return body[header:], count, nil
}

// decode fills in e, but for Seq, from data. Records' events are parts of data;
// the slice of records is used again.
func (d *decoder) decode(data []byte, e *Entry) error {
	e.Records = e.Records[:0]
	rest, count, err := e.head(data)
	if err != nil {
		return err
	}
	// The count is a claim; what it may cost is bounded by the bytes at hand.
	if uint64(count) > uint64(len(rest)/minRecord) {
		return fmt.Errorf("%w: %d records in %d bytes", ErrCorrupt, count, len(rest))
	}
	for range count {
		e.Records = append(e.Records, Record{})
		if rest, err = d.record(rest, &e.Records[len(e.Records)-1]); err != nil {
			return err
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes behind the last record", ErrCorrupt, len(rest))
	}
	return nil
}

// Decode decodes one entry. Seq stays 0; it is the place where the entry stands.
func Decode(data []byte) (*Entry, error) {
	var d decoder
	e := new(Entry)
	if err := d.decode(data, e); err != nil {
		return nil, err
	}
	return e, nil
}
