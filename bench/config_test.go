package bench

import (
	"strings"
	"testing"
	"time"
)

func TestSaleConfigValidate(t *testing.T) {
	for want, c := range map[string]SaleConfig{
		"":            {},
		"Players":     {Players: -1},
		"Duration":    {Duration: -1},
		"Attempts":    {Attempts: -1},
		"Rate: -1":    {Rate: -1},
		"Rate: an":    {Rate: 5, Attempts: 1},
		"Outstanding": {Outstanding: -1},
		"SKUs":        {SKUs: maxSKUs + 1},
		"Stock":       {Stock: -1},
		"Slices":      {Slices: -1},
		"Quantity":    {Quantity: 1001},
		"Patience":    {Patience: -1},
		"Settle":      {Settle: -1},
		"Admin":       {URL: "ws://x"},
		"Secret":      {URL: "ws://x", Admin: "http://x"},
		"URL":         {Secret: "s"},
		"Repeat":      {Repeat: 1.1},
		"Reads":       {Reads: -1},
		"History":     {Repeat: 0.1},
	} {
		err := c.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%+v: got %v, want an error that begins with %q", c, err, want)
		}
	}
}

func TestEchoConfigValidate(t *testing.T) {
	for want, c := range map[string]EchoConfig{
		"":            {},
		"Connections": {Connections: -1},
		"Duration":    {Duration: -1},
	} {
		err := c.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%+v: got %v, want an error that begins with %q", c, err, want)
		}
	}
}

func TestDurationIsBoundedByDefault(t *testing.T) {
	if got := (SaleConfig{}).withDefaults().Duration; got != 5*time.Second {
		t.Errorf("got %s, want 5 s", got)
	}
	if got := (SaleConfig{Attempts: 1}).withDefaults().Duration; got != 0 {
		t.Errorf("got %s although Attempts bounds the sale", got)
	}
}

func TestPlayersSpreadOverGateways(t *testing.T) {
	for n, want := range []string{"a,b,c", "b,c,a", "c,a,b", "a,b,c"} {
		if got := rotate("a,b,c", n); got != want {
			t.Errorf("player %d: got %q, want %q", n, got, want)
		}
	}
}
