package client

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// WorldKind says what a WorldMessage means.
type WorldKind uint8

const (
	// WorldFrame is what has changed in a cell.
	WorldFrame WorldKind = iota + 1
	// WorldKey begins a stream, or begins it again: Zone and Cell say of what.
	WorldKey
	// WorldGone ends a stream: its cell is out of sight.
	WorldGone
)

// WorldMessage is one message about one cell of a zone, as it came. Streams are
// those of one connection; a new one has its own.
type WorldMessage struct {
	Kind   WorldKind
	Stream uint32
	Zone   string
	Cell   uint32
	// Frame is one of proto/delta. It is valid until the next message.
	Frame []byte
	// At is when it was read.
	At time.Time
}

// The wire tags of what is read by hand of a ServerFrame, because it comes many
// times a second.
const (
	frameWorld    = 11<<3 | bytesType
	frameWorldKey = 12<<3 | bytesType

	worldStream = 1<<3 | varintType
	worldFrame  = 2<<3 | bytesType // in WorldFrame
	keyZone     = 2<<3 | bytesType // in WorldKey
	keyCell     = 3<<3 | varintType
	keyFrame    = 4<<3 | bytesType
)

// scanWorld reads an encoded ServerFrame if it begins as one with a WorldFrame
// or WorldKey that was pushed does. m points into data afterwards.
func scanWorld(data []byte, m *WorldMessage) (ok bool, err error) {
	tag, size := protowire.ConsumeVarint(data)
	if size <= 0 || (tag != frameWorld && tag != frameWorldKey) {
		return false, nil
	}
	return true, eachField(data, func(tag, _ uint64, body []byte) error {
		switch tag {
		case frameWorld:
			m.Kind = WorldFrame
			return eachField(body, m.takeFrame)
		case frameWorldKey:
			m.Kind = WorldKey
			return eachField(body, m.takeKey)
		}
		return nil
	})
}

func (m *WorldMessage) takeFrame(tag, varint uint64, body []byte) error {
	switch tag {
	case worldStream:
		m.Stream = uint32(varint)
	case worldFrame:
		m.Frame = body
	}
	return nil
}

func (m *WorldMessage) takeKey(tag, varint uint64, body []byte) error {
	switch tag {
	case worldStream:
		m.Stream = uint32(varint)
	case keyZone:
		m.Zone = string(body)
	case keyCell:
		m.Cell = uint32(varint)
	case keyFrame:
		m.Frame = body
	}
	return nil
}
