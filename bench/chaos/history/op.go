package history

import (
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Kind says what an operation is.
type Kind string

const (
	// Buy is a purchase by Client of Quantity of SKU, numbered Request. Sent
	// again under the same number it is another Op, of the same purchase.
	Buy Kind = "buy"
	// Read asks what is in Client's wallet.
	Read Kind = "read"
	// Grant gives Client Amount.
	Grant Kind = "grant"
	// Stock puts Quantity units of SKU on sale.
	Stock Kind = "stock"
)

// Outcome says what the client heard.
type Outcome string

const (
	// OK: it was done.
	OK Outcome = "ok"
	// Refused: it was not done, and will not be under this number. Code says why.
	Refused Outcome = "refused"
	// Unknown: it may have been done, may yet be, or never. Code is what was
	// answered, if anything was.
	Unknown Outcome = "unknown"
)

// Op is one request that was sent, and what came back.
type Op struct {
	Kind Kind
	// Client is the player.
	Client  string
	SKU     string
	Request uint64
	// Quantity is in units.
	Quantity int64
	// Invoke and Return are times since the recorder was created, by a clock that
	// never jumps. Invoke is before the request left, Return after the answer came
	// or was given up.
	Invoke, Return time.Duration

	Outcome Outcome
	Code    clientv1.Code
	// Order is the id of the order in the answer, if it is not Client, "/",
	// Request, as it should be.
	Order string
	// Price of the whole order, as answered. With Stock it is the price of one
	// unit.
	Price int64
	// Balance is what the wallet held afterwards, or when it was read.
	Balance int64
	// Amount of money given.
	Amount int64
}

// OutcomeOf says what a refusal with this code means for a purchase. What it
// leaves open, only another answer or the log can tell.
func OutcomeOf(c clientv1.Code) Outcome {
	if declined(c) || c == clientv1.Code_CODE_INVALID_ARGUMENT {
		return Refused
	}
	// OVERLOADED, RATE_LIMITED, UNAVAILABLE and INTERNAL speak of the copy of the
	// request that they answer, and an earlier one may be under way.
	// EXPIRED_REQUEST says that its answer is forgotten.
	return Unknown
}

// declined says whether a refusal with this code is recorded by the player: it
// was evaluated, and is what every copy must be answered.
func declined(c clientv1.Code) bool {
	switch c {
	case clientv1.Code_CODE_NOT_FOUND, clientv1.Code_CODE_SOLD_OUT, clientv1.Code_CODE_INSUFFICIENT_FUNDS,
		clientv1.Code_CODE_LIMIT_REACHED, clientv1.Code_CODE_NOT_ON_SALE, clientv1.Code_CODE_PRICE_CHANGED:
		return true
	}
	return false
}
