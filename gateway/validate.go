package gateway

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// What names in requests may look like. Kinds and methods as a registry has
// them; ids only so that they can be logged and looked up.
const (
	maxSKU      = 128
	maxActorID  = 256
	maxQuantity = 1000
)

var (
	kindName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	methodName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
)

// validateBuy refuses what no player actor would accept, whatever its state. It
// must not refuse anything that one has accepted before: a retry of that has to
// reach it.
func validateBuy(b *clientv1.Buy) error {
	switch {
	case b.GetRequest() == 0:
		return fmt.Errorf("request must not be 0")
	case b.GetQuantity() < 1 || b.GetQuantity() > maxQuantity:
		return fmt.Errorf("quantity %d: must be 1 to %d", b.GetQuantity(), maxQuantity)
	case b.GetMaxPrice() < 0:
		return fmt.Errorf("max_price %d: must not be negative", b.GetMaxPrice())
	}
	return validateName("sku", b.GetSku(), maxSKU)
}

func validateCall(c *clientv1.Call) error {
	if !kindName.MatchString(c.GetKind()) {
		return fmt.Errorf("kind must match %s", kindName)
	}
	if !methodName.MatchString(c.GetMethod()) {
		return fmt.Errorf("method must match %s", methodName)
	}
	return validateName("id", c.GetId(), maxActorID)
}

func validateName(field, s string, most int) error {
	if len(s) == 0 || len(s) > most {
		return fmt.Errorf("%s must have 1 to %d bytes", field, most)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s must be printable", field)
	}
	return nil
}
