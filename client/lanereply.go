package client

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Field numbers of proto/client/v1 that a Lane reads and writes by hand. A test
// holds them against the generated code.
const (
	frameSeq = 1

	frameBuy    = 6 // in ClientFrame
	buyRequest  = 1
	buySKU      = 2
	buyQuantity = 3
	buyMaxPrice = 4

	frameError      = 2 // in ServerFrame
	errorCode       = 1
	errorRetryAfter = 3

	frameBought   = 7 // in ServerFrame
	boughtOrder   = 1
	orderID       = 1
	orderRequest  = 2
	orderQuantity = 4
	orderPrice    = 5
	orderState    = 7
)

// Reply is the part of an answer to Buy that load generators look at.
type Reply struct {
	Seq uint64

	// Bought is true for a Bought; the fields below are those of its order.
	Bought   bool
	OrderID  []byte // points into the frame
	Request  uint64
	Quantity int64
	Price    int64
	State    clientv1.OrderState

	// Refused is true for an Error; the fields below are its.
	Refused      bool
	Code         clientv1.Code
	RetryAfterMs uint64
}

// appendBuy encodes a ClientFrame with a Buy, as proto.Marshal would.
func appendBuy(dst []byte, seq, request uint64, sku string, quantity, maxPrice int64) []byte {
	dst = protowire.AppendTag(dst, frameSeq, protowire.VarintType)
	dst = protowire.AppendVarint(dst, seq)
	size := varintField(buyRequest, request) + varintField(buyQuantity, uint64(quantity)) + varintField(buyMaxPrice, uint64(maxPrice))
	if sku != "" {
		size += protowire.SizeTag(buySKU) + protowire.SizeBytes(len(sku))
	}
	dst = protowire.AppendTag(dst, frameBuy, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = appendVarintField(dst, buyRequest, request)
	if sku != "" {
		dst = protowire.AppendTag(dst, buySKU, protowire.BytesType)
		dst = protowire.AppendString(dst, sku)
	}
	dst = appendVarintField(dst, buyQuantity, uint64(quantity))
	return appendVarintField(dst, buyMaxPrice, uint64(maxPrice))
}

func varintField(n protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(n) + protowire.SizeVarint(v)
}

func appendVarintField(dst []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), v)
}

// scan reads a ServerFrame. r points into frame afterwards.
func (r *Reply) scan(frame []byte) error {
	*r = Reply{}
	return eachField(frame, func(n protowire.Number, varint uint64, message []byte) error {
		switch n {
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

func (r *Reply) takeError(n protowire.Number, varint uint64, _ []byte) error {
	switch n {
	case errorCode:
		r.Code = clientv1.Code(varint)
	case errorRetryAfter:
		r.RetryAfterMs = varint
	}
	return nil
}

func (r *Reply) takeBought(n protowire.Number, _ uint64, message []byte) error {
	if n == boughtOrder {
		return eachField(message, r.takeOrder)
	}
	return nil
}

func (r *Reply) takeOrder(n protowire.Number, varint uint64, message []byte) error {
	switch n {
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

// eachField calls fn for every varint and every length-delimited field of an
// encoded message.
func eachField(data []byte, fn func(n protowire.Number, varint uint64, message []byte) error) error {
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
		if kind == protowire.VarintType || kind == protowire.BytesType {
			if err := fn(n, varint, message); err != nil {
				return err
			}
		}
	}
	return nil
}
