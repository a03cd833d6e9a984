package baseline

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// answering is a store that answers everything alike.
type answering struct {
	Store
	receipt Receipt
	err     error
}

func (s answering) Buy(context.Context, *Purchase) (Receipt, error) { return s.receipt, s.err }

// dial connects a player to a gateway before s.
func dial(t *testing.T, s Store, secret string) (*client.Lane, error) {
	t.Helper()
	server := httptest.NewServer(newGateway(s, "a secret"))
	t.Cleanup(server.Close)
	token, err := launch.Target{Secret: secret}.Token("ann")
	if err != nil {
		t.Fatal(err)
	}
	l, err := client.DialLane(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), client.Options{Token: token})
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, err
}

func TestGatewayRefuses(t *testing.T) {
	l, err := dial(t, answering{receipt: Receipt{SKU: "hat", Quantity: 1}}, "a secret")
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string]*clientv1.Buy{
		"no request":                     {Sku: "hat", Quantity: 1},
		"no product":                     {Request: 1, Quantity: 1},
		"nothing":                        {Request: 1, Sku: "hat"},
		"too much":                       {Request: 1, Sku: "hat", Quantity: maxQuantity + 1},
		"a price":                        {Request: 1, Sku: "hat", Quantity: 1, MaxPrice: 1},
		"a number used for another hat":  {Request: 1, Sku: "hat", Quantity: 2},
		"a number used for another item": {Request: 1, Sku: "cap", Quantity: 1},
	} {
		got, err := l.Buy(b.Request, b.Sku, b.Quantity, b.MaxPrice)
		if err != nil || got.Code != clientv1.Code_CODE_INVALID_ARGUMENT {
			t.Errorf("%s: got %+v, %v, want INVALID_ARGUMENT", what, got, err)
		}
	}
	if got, err := l.Buy(1, "hat", 1, 0); err != nil || !got.Bought {
		t.Errorf("got %+v, %v, want the hat", got, err)
	}
}

func TestGatewayKnowsWhoAsks(t *testing.T) {
	if _, err := dial(t, answering{}, "another secret"); client.CodeOf(err) != clientv1.Code_CODE_UNAUTHENTICATED {
		t.Errorf("got %v, want UNAUTHENTICATED", err)
	}
}

// A client sends a purchase again whose outcome the store did not tell.
func TestGatewayWhoseStoreFails(t *testing.T) {
	l, err := dial(t, answering{err: errors.New("the disk is full")}, "a secret")
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Buy(1, "hat", 1, 0)
	if err != nil || !client.Unsettled(got.Code) {
		t.Errorf("got %+v, %v, want to be told to try again", got, err)
	}
}

func TestGatewayCommandRefuses(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                  "unexpected end",
		`{"peer": "mysql"}`: `no peer "mysql"`,
	} {
		file := filepath.Join(dir, "gateway.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := runGateway(t.Context(), io.Discard, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestReceiptText(t *testing.T) {
	want := Receipt{clientv1.Code_CODE_SOLD_OUT, "a hat", 3, 1 << 40, 0}
	if got, err := parseReceipt(want.String()); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "0 1 1 1", "0 1 x 1 hat"} {
		if got, err := parseReceipt(bad); err == nil {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
}
