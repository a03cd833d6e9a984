package gateway

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// What names in requests may look like. Kinds and methods as a registry has
// them; ids only so that they can be logged and looked up.
const (
	maxSKU      = 128
	maxActorID  = 256
	maxQuantity = 1000

	maxChatBytes = 500
)

var (
	kindName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	methodName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
	// placeName is that of a zone or a group.
	placeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
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

// validatePlace refuses what cannot be a zone or a group.
func validatePlace(field, name string) error {
	if !placeName.MatchString(name) {
		return fmt.Errorf("%s must match %s", field, placeName)
	}
	return nil
}

// parseChannel returns the actor that a channel belongs to.
func parseChannel(channel string) (cluster.ActorID, error) {
	kind, name, _ := strings.Cut(channel, "/")
	if kind != kindZone && kind != kindGroup {
		return cluster.ActorID{}, fmt.Errorf(`channel must be "zone/<name>" or "group/<name>"`)
	}
	return cluster.ActorID{Kind: kind, ID: name}, validatePlace("channel's name", name)
}

// validateSay refuses what no channel would take.
func validateSay(m *clientv1.Say) error {
	switch {
	case m.GetRequest() == 0:
		return fmt.Errorf("request must not be 0")
	case len(m.GetText()) == 0 || len(m.GetText()) > maxChatBytes:
		return fmt.Errorf("text must have 1 to %d bytes", maxChatBytes)
	}
	return nil
}

// validateIntent refuses what no zone would take.
func validateIntent(m *clientv1.Intent) error {
	var numbers []float64
	switch a := m.GetAction().(type) {
	case *clientv1.Intent_Steer:
		numbers = []float64{a.Steer.GetVx(), a.Steer.GetVy()}
	case *clientv1.Intent_Walk:
		if a.Walk.GetTo() == nil {
			return fmt.Errorf("walk to nowhere")
		}
		numbers = []float64{a.Walk.GetTo().GetX(), a.Walk.GetTo().GetY()}
	case *clientv1.Intent_Strike:
	default:
		return fmt.Errorf("the intent has no action that this gateway knows")
	}
	return validateNumbers(numbers...)
}

// validateNumbers refuses what is no number.
func validateNumbers(numbers ...float64) error {
	for _, n := range numbers {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%g is not a number to reckon with", n)
		}
	}
	return nil
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
