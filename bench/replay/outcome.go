package replay

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// kind is what was asked: the field number of a ClientFrame's body, or one of
// the two below.
type kind uint8

const (
	connecting kind = 1 // the number of ClientFrame.seq, which is no body
	leaving    kind = 255
)

// kindNames has the bodies of ClientFrame by field number.
var kindNames = func() (names [256]string) {
	bodies := (*clientv1.ClientFrame)(nil).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range bodies.Len() {
		if n := bodies.Get(i).Number(); n < protowire.Number(leaving) {
			names[n] = string(bodies.Get(i).Name())
		}
	}
	names[connecting] = "connect"
	return names
}()

func (k kind) String() string { return kindNames[k] }

// outcome is what became of a request.
type outcome uint8

const (
	unanswered outcome = iota
	done
	disconnected // before it was answered
	unsent       // there was no connection
	// refused and more: an Error, by its code.
	refused outcome = 16
)

// answer is an outcome, and of a purchase what was paid.
type answer struct {
	outcome outcome
	price   int64
}

// readAnswer understands the answer to a request. order points into body.
func readAnswer(k kind, field protowire.Number, body []byte) (a answer, o order) {
	switch {
	case field == fieldError:
		return answer{outcome: refusal(readCode(body))}, o
	case field == fieldBought && k == fieldBuy:
		o = readOrder(body)
		if o.state == clientv1.OrderState_ORDER_STATE_CANCELLED {
			return answer{outcome: refusal(o.reason)}, o
		}
		return answer{outcome: done, price: o.price}, o
	default:
		return answer{outcome: done}, o
	}
}

func refusal(c clientv1.Code) outcome {
	if c < 0 || c > clientv1.Code(255-refused) {
		c = clientv1.Code_CODE_UNSPECIFIED // of a newer server
	}
	return refused + outcome(c)
}

func (o outcome) code() (c clientv1.Code, isRefusal bool) {
	if o < refused {
		return 0, false
	}
	return clientv1.Code(o - refused), true
}

// good: the answer is none of the errors. Sold out is none.
func (o outcome) good() bool {
	return o == done || o == refusal(clientv1.Code_CODE_SOLD_OUT)
}

// name is the outcome for people.
func (o outcome) name(k kind) string {
	switch o {
	case unanswered:
		return "no answer"
	case disconnected:
		return "disconnected"
	case unsent:
		return "not sent"
	case done:
		switch k {
		case fieldBuy:
			return "sold"
		case connecting:
			return "welcomed"
		default:
			return "done"
		}
	}
	c, _ := o.code()
	if c == clientv1.Code_CODE_SOLD_OUT {
		return "sold out"
	}
	return "refused: " + strings.ToLower(strings.ReplaceAll(client.CodeName(c), "_", " "))
}

// errorName is the outcome as an error is counted.
func (o outcome) errorName() string {
	switch o {
	case unanswered:
		return "NO_ANSWER"
	case disconnected:
		return "DISCONNECTED"
	case unsent:
		return "NOT_SENT"
	}
	c, _ := o.code()
	return client.CodeName(c)
}

// unsettled: it is open what becomes of the request.
func (o outcome) unsettled() bool {
	c, isRefusal := o.code()
	return o == unanswered || o == disconnected || isRefusal && client.Unsettled(c)
}
