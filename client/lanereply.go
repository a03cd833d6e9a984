package client

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The wire tags (field number << 3 | wire type) of what a Lane reads and writes
// of proto/client/v1 by hand. Tests hold them against the generated code.
const (
	varintType = uint64(protowire.VarintType)
	bytesType  = uint64(protowire.BytesType)

	frameSeq = 1<<3 | varintType

	frameBuy    = 6<<3 | bytesType // in ClientFrame
	buyRequest  = 1<<3 | varintType
	buySKU      = 2<<3 | bytesType
	buyQuantity = 3<<3 | varintType
	buyMaxPrice = 4<<3 | varintType

	frameError      = 2<<3 | bytesType // in ServerFrame
	errorCode       = 1<<3 | varintType
	errorRetryAfter = 3<<3 | varintType

	frameBought   = 7<<3 | bytesType // in ServerFrame
	boughtOrder   = 1<<3 | bytesType
	boughtBalance = 2<<3 | varintType
	orderID       = 1<<3 | bytesType
	orderRequest  = 2<<3 | varintType
	orderQuantity = 4<<3 | varintType
	orderPrice    = 5<<3 | varintType
	orderState    = 7<<3 | varintType
)

// Reply is the part of an answer to Buy that load generators look at.
type Reply struct {
	Seq uint64

	// Bought is true for a Bought; the fields below are its and its order's.
	Bought   bool
	OrderID  []byte // points into the frame
	Request  uint64
	Quantity int64
	Price    int64
	State    clientv1.OrderState
	// Balance is what the wallet held afterwards.
	Balance int64

	// Refused is true for an Error; the fields below are its.
	Refused      bool
	Code         clientv1.Code
	RetryAfterMs uint64
}

// appendBuy encodes a ClientFrame with a Buy, as proto.Marshal would.
func appendBuy(dst []byte, seq, request uint64, sku string, quantity, maxPrice int64) []byte {
	dst = appendVarint(dst, frameSeq, seq)
	size := sizeVarint(buyRequest, request) + sizeVarint(buyQuantity, uint64(quantity)) + sizeVarint(buyMaxPrice, uint64(maxPrice))
	if sku != "" {
		size += protowire.SizeVarint(buySKU) + protowire.SizeBytes(len(sku))
	}
	dst = protowire.AppendVarint(dst, frameBuy)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = appendVarint(dst, buyRequest, request)
	if sku != "" {
		dst = protowire.AppendVarint(dst, buySKU)
		dst = protowire.AppendString(dst, sku)
	}
	dst = appendVarint(dst, buyQuantity, uint64(quantity))
	return appendVarint(dst, buyMaxPrice, uint64(maxPrice))
}

// sizeVarint and appendVarint leave out 0, as proto3 does.
func sizeVarint(tag, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeVarint(tag) + protowire.SizeVarint(v)
}

func appendVarint(dst []byte, tag, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendVarint(dst, tag), v)
}

// scan reads a ServerFrame. r points into frame afterwards.
func (r *Reply) scan(frame []byte) error {
	*r = Reply{}
	return eachField(frame, func(tag, varint uint64, message []byte) error {
		switch tag {
		case frameSeq:
			r.Seq = varint
		case frameError:
			r.Refused, r.Bought = true, false
			return eachField(message, r.takeError)
		case frameBought:
			r.Bought, r.Refused = true, false
			return eachField(message, r.takeBought)
		}
		return nil
	})
}

func (r *Reply) takeError(tag, varint uint64, _ []byte) error {
	switch tag {
	case errorCode:
		r.Code = clientv1.Code(varint)
	case errorRetryAfter:
		r.RetryAfterMs = varint
	}
	return nil
}

func (r *Reply) takeBought(tag, varint uint64, message []byte) error {
	switch tag {
	case boughtOrder:
		return eachField(message, r.takeOrder)
	case boughtBalance:
		r.Balance = int64(varint)
	}
	return nil
}

func (r *Reply) takeOrder(tag, varint uint64, message []byte) error {
	switch tag {
	case orderID:
		r.OrderID = message
	case orderRequest:
		r.Request = varint
	case orderQuantity:
		r.Quantity = int64(varint)
	case orderPrice:
		r.Price = int64(varint)
	case orderState:
		r.State = clientv1.OrderState(varint)
	}
	return nil
}

// eachField calls fn for the fields of an encoded message, in order: with the
// value of a varint, with the contents of a length-delimited field.
func eachField(data []byte, fn func(tag, varint uint64, message []byte) error) error {
	for len(data) > 0 {
		n, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return fmt.Errorf("%w: decode frame: %w", ErrProtocol, protowire.ParseError(size))
		}
		data = data[size:]
		var varint uint64
		var message []byte
		switch kind {
		case protowire.VarintType:
			varint, size = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			message, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(n, kind, data)
		}
		if size < 0 {
			return fmt.Errorf("%w: decode frame: %w", ErrProtocol, protowire.ParseError(size))
		}
		data = data[size:]
		if err := fn(protowire.EncodeTag(n, kind), varint, message); err != nil {
			return err
		}
	}
	return nil
}
