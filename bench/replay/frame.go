package replay

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The field numbers of proto/client/v1 that are read and written by hand: tests
// hold them against the generated code.
const (
	fieldSeq = 1 // of both frames

	fieldHello     = 2 // of ClientFrame
	fieldBuy       = 6
	fieldWatch     = 7
	fieldCall      = 8
	fieldEnterZone = 9
	fieldIntent    = 11
	fieldResync    = 18

	fieldError   = 2 // of ServerFrame
	fieldWelcome = 3
	fieldCatalog = 6
	fieldBought  = 7
	fieldEntered = 17
)

var errFrame = errors.New("a frame cannot be decoded")

// splitFrame returns the number of a frame, and what its body is: the field of the
// body, and the field as it is encoded, tag and length included.
func splitFrame(frame []byte) (seq uint64, field protowire.Number, body []byte, err error) {
	for len(frame) > 0 {
		num, typ, n := protowire.ConsumeTag(frame)
		if n < 0 {
			return 0, 0, nil, errFrame
		}
		size := protowire.ConsumeFieldValue(num, typ, frame[n:])
		if size < 0 {
			return 0, 0, nil, errFrame
		}
		switch {
		case num == fieldSeq && typ == protowire.VarintType:
			seq, _ = protowire.ConsumeVarint(frame[n:])
		case typ == protowire.BytesType:
			field, body = num, frame[:n+size]
		}
		frame = frame[n+size:]
	}
	return seq, field, body, nil
}

// contents is a body without its tag and length.
func contents(body []byte) []byte {
	_, _, n := protowire.ConsumeTag(body)
	inner, _ := protowire.ConsumeBytes(body[n:])
	return inner
}

// numbers calls fn for the fields of a message: with the value of a varint, or
// with what is in a length-delimited field. It ends where nothing can be read.
func numbers(message []byte, fn func(num protowire.Number, v uint64, inner []byte)) {
	for len(message) > 0 {
		num, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		size := protowire.ConsumeFieldValue(num, typ, message[n:])
		if size < 0 {
			return
		}
		switch value := message[n : n+size]; typ {
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(value)
			fn(num, v, nil)
		case protowire.BytesType:
			inner, _ := protowire.ConsumeBytes(value)
			fn(num, 0, inner)
		}
		message = message[n+size:]
	}
}

// purchase is what is read of a Buy.
type purchase struct {
	request  uint64
	sku      []byte
	quantity int64
	maxPrice int64
}

func readBuy(body []byte) (b purchase) {
	numbers(contents(body), func(num protowire.Number, v uint64, inner []byte) {
		switch num {
		case 1:
			b.request = v
		case 2:
			b.sku = inner
		case 3:
			b.quantity = int64(v)
		case 4:
			b.maxPrice = int64(v)
		}
	})
	return b
}

// appendBuy encodes the body of a purchase.
func appendBuy(dst []byte, b purchase) []byte {
	// All fields are short: what cannot fit is never on a tape as a Buy.
	inner := make([]byte, 0, 64+len(b.sku))
	varint := func(num protowire.Number, v uint64) {
		if v != 0 {
			inner = protowire.AppendVarint(protowire.AppendTag(inner, num, protowire.VarintType), v)
		}
	}
	varint(1, b.request)
	if len(b.sku) > 0 {
		inner = protowire.AppendBytes(protowire.AppendTag(inner, 2, protowire.BytesType), b.sku)
	}
	varint(3, uint64(b.quantity))
	varint(4, uint64(b.maxPrice))
	return protowire.AppendBytes(protowire.AppendTag(dst, fieldBuy, protowire.BytesType), inner)
}

// order is what is read of a Bought.
type order struct {
	id       []byte
	request  uint64
	sku      []byte
	quantity int64
	price    int64
	currency []byte
	state    clientv1.OrderState
	reason   clientv1.Code
}

func readOrder(body []byte) (o order) {
	numbers(contents(body), func(num protowire.Number, _ uint64, inner []byte) {
		if num != 1 {
			return
		}
		numbers(inner, func(num protowire.Number, v uint64, inner []byte) {
			switch num {
			case 1:
				o.id = inner
			case 2:
				o.request = v
			case 3:
				o.sku = inner
			case 4:
				o.quantity = int64(v)
			case 5:
				o.price = int64(v)
			case 6:
				o.currency = inner
			case 7:
				o.state = clientv1.OrderState(v)
			case 8:
				o.reason = clientv1.Code(v)
			}
		})
	})
	return o
}

// readCode returns the code of an Error.
func readCode(body []byte) (code clientv1.Code) {
	numbers(contents(body), func(num protowire.Number, v uint64, _ []byte) {
		if num == 1 {
			code = clientv1.Code(v)
		}
	})
	return code
}

// readNextRequest returns Welcome.next_request.
func readNextRequest(body []byte) (next uint64) {
	numbers(contents(body), func(num protowire.Number, v uint64, _ []byte) {
		if num == 5 {
			next = v
		}
	})
	return next
}
