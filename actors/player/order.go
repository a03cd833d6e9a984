package player

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/holdfast-game/holdfast/actors"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// OrderID names an order over the whole cluster.
func OrderID(player actors.PlayerID, request uint64) string {
	b := make([]byte, 0, len(player)+21)
	b = append(append(b, player...), '/')
	return string(strconv.AppendUint(b, request, 10))
}

// OrderDigest is the hash of an order's id. Sums of those compare sets of
// orders.
func OrderDigest(player actors.PlayerID, request uint64) uint64 {
	var number [20]byte
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(string(player))
	_, _ = d.WriteString("/")
	_, _ = d.Write(strconv.AppendUint(number[:0], request, 10))
	return d.Sum64()
}

// order is one entry of the table.
type order struct {
	request uint64
	// Digest of what the client asked for, if any is true. It is not when the
	// order was closed before the client's request was known.
	contents uint64
	any      bool

	sku      actors.SKU
	slice    uint32
	state    clientv1.OrderState
	quantity int64
	price    int64
	currency string
	balance  int64 // afterwards, as it was answered
	at       int64 // Unix nanoseconds

	code clientv1.Code // why it was cancelled
	text string

	// Volatile.
	confirmed int64 // when its slice was told last
	acked     bool  // the slice has answered; the next event says so
}

// transitions lists where an order can go from each state. A purchase is
// debited and granted by one event, so paid is never seen from outside.
var transitions = [...][]clientv1.OrderState{
	clientv1.OrderState_ORDER_STATE_CREATED:   {clientv1.OrderState_ORDER_STATE_PAID, clientv1.OrderState_ORDER_STATE_CANCELLED},
	clientv1.OrderState_ORDER_STATE_PAID:      {clientv1.OrderState_ORDER_STATE_GRANTED},
	clientv1.OrderState_ORDER_STATE_GRANTED:   {clientv1.OrderState_ORDER_STATE_COMPLETED},
	clientv1.OrderState_ORDER_STATE_COMPLETED: nil,
	clientv1.OrderState_ORDER_STATE_CANCELLED: nil,
}

// move takes the order through states, one after the other.
func (o *order) move(path ...clientv1.OrderState) error {
	for _, to := range path {
		legal := false
		for _, next := range transitions[o.state] {
			legal = legal || next == to
		}
		if !legal {
			return fmt.Errorf("order %d: cannot go from %s to %s", o.request, o.state, to)
		}
		o.state = to
	}
	return nil
}

// granted says that the order has been paid for and its items granted.
func (o *order) granted() bool {
	return o.state == clientv1.OrderState_ORDER_STATE_GRANTED || o.state == clientv1.OrderState_ORDER_STATE_COMPLETED
}

// final says that the order may give way: nothing about it can change.
func (o *order) final() bool { return len(transitions[o.state]) == 0 }

// settled says that the order is final, or will be with the next event.
func (o *order) settled() bool { return o.acked || o.final() }

// refusal is the answer to a cancelled order.
func (o *order) refusal() *actors.Refusal {
	text := o.text
	if text == "" {
		text = usualText[o.code]
	}
	return &actors.Refusal{Code: o.code, Text: text}
}

// usualText says what a code means for an order, when there is no more to say.
var usualText = map[clientv1.Code]string{
	clientv1.Code_CODE_NOT_FOUND:          "there is no such product",
	clientv1.Code_CODE_SOLD_OUT:           "sold out",
	clientv1.Code_CODE_INSUFFICIENT_FUNDS: "the wallet does not hold the price",
	clientv1.Code_CODE_LIMIT_REACHED:      "a player may not buy as many",
	clientv1.Code_CODE_NOT_ON_SALE:        "the product is not on sale now",
	clientv1.Code_CODE_EXPIRED_REQUEST:    "was not finished in time; nothing was bought",
}
