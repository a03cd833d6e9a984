package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/baseline"
	"github.com/holdfast-game/holdfast/bench/figures"
)

// scripted is a contender that comes to these rates, round by round, and notes
// when it is measured.
func scripted(name string, turns *[]string, rates ...float64) contender {
	return contender{name: name, title: strings.ToUpper(name), run: func(_ context.Context, connections int) (measured, error) {
		*turns = append(*turns, name)
		rate := rates[0]
		rates = rates[1:]
		return measured{perSecond: rate * float64(connections), latency: figures.Latency{P50: 1, P99: 1000 / rate}}, nil
	}}
}

func TestContendersTakeTurns(t *testing.T) {
	var turns []string
	r, err := compare(t.Context(), PeersConfig{Rounds: 3, Connections: []int{1}}, []contender{
		scripted("echo", &turns, 100, 120, 80),
		scripted(holdfastName, &turns, 40, 50, 45),
		{name: "other", title: "Other", missing: errors.New("install other")},
		scripted("redis", &turns, 20, 10, 15),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(turns, " "), "echo holdfast redis holdfast redis echo redis echo holdfast"; got != want {
		t.Errorf("got turns %s, want %s", got, want)
	}
	redis := r.row("redis", 1)
	if want := (figures.Spread{Median: 15, Least: 10, Most: 20}); redis.PerSecond != want {
		t.Errorf("got rates %+v, want %+v", redis.PerSecond, want)
	}
	// 40/20, 50/10, 45/15: each over the rate of its own round.
	if want := (figures.Spread{Median: 3, Least: 2, Most: 5}); redis.Ratio != want {
		t.Errorf("got ratios %+v, want %+v", redis.Ratio, want)
	}
	if want := (figures.Spread{Median: 1000. / 15, Least: 50, Most: 100}); redis.P99Ms != want {
		t.Errorf("got p99 %+v, want %+v", redis.P99Ms, want)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Medians of 3 rounds", "| 1 | HOLDFAST | 45 (40 – 50) | 1.0 ms | 22.2 ms |  |\n", "| **3.00 ×** (2.00 – 5.00) |",
		"Skipped Other: install other", "✓ after every sale",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got\n%s\nwithout %q", text.String(), want)
		}
	}
}

func TestComparisonShowsWhatWentWrong(t *testing.T) {
	bad := contender{name: "bad", title: "Bad", run: func(context.Context, int) (measured, error) {
		return measured{perSecond: 1, errors: map[string]int64{"UNAVAILABLE": 2}, failed: []string{"nothing is lost"}}, nil
	}}
	r, err := compare(t.Context(), PeersConfig{Rounds: 2, Connections: []int{8}}, []contender{bad})
	if err != nil || r.OK() {
		t.Fatalf("got %+v, %v, want a report that is not OK", r, err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Bad, 8 connections: UNAVAILABLE 4\n", "✗ Bad, 8 connections: not so: nothing is lost\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got\n%s\nwithout %q", text.String(), want)
		}
	}
	bad.run = func(context.Context, int) (measured, error) { return measured{}, errors.New("no disk") }
	if _, err := compare(t.Context(), PeersConfig{Rounds: 1, Connections: []int{8}}, []contender{bad}); err == nil {
		t.Error("what could not be measured is no error")
	}
}

func TestPlot(t *testing.T) {
	var turns []string
	r, err := compare(t.Context(), PeersConfig{Rounds: 1, Connections: []int{2, 4}}, []contender{
		scripted(echoName, &turns, 100_000, 110_000), scripted(holdfastName, &turns, 40_000, 50_000), scripted("a < b", &turns, 10, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	var plot bytes.Buffer
	if err := r.WritePlot(&plot); err != nil {
		t.Fatal(err)
	}
	text := plot.String()
	for d := xml.NewDecoder(&plot); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v in\n%s", err, text)
		}
	}
	for _, want := range []string{"2 connections", "4 connections", "HOLDFAST", "A &lt; B", "80,000", "· Holdfast 0.40 ×"} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwithout %q", text, want)
		}
	}
}

func TestPlotTicksAreRound(t *testing.T) {
	for top, want := range map[float64]float64{0: 1, 7: 2, 100: 20, 110_000: 20_000, 250_000: 50_000, 560_000: 100_000, 61: 20} {
		if got := plotTick(top); got != want {
			t.Errorf("up to %g: got a line every %g, want %g", top, got, want)
		}
	}
}

// A store in memory, which may forget an order.
type memoryStore struct {
	baseline.Store
	books  baseline.Books
	forget bool
}

func (s *memoryStore) PutProduct(_ context.Context, p baseline.Product) error {
	s.books.Left = map[string]int64{p.SKU: p.Stock}
	return nil
}

func (s *memoryStore) Grant(_ context.Context, player string, amount int64) error {
	s.books.Wallets[player] = amount
	return nil
}

func (s *memoryStore) Books(context.Context) (*baseline.Books, error) { return &s.books, nil }

func (s *memoryStore) sell(player string, request uint64, sku string) {
	s.books.Left[sku]--
	s.books.Wallets[player] -= price
	if !s.forget {
		s.books.Orders = append(s.books.Orders, baseline.Order{Player: player, Request: request, Receipt: baseline.Receipt{SKU: sku, Quantity: 1, Price: price}})
	}
}

// A peer's books are judged as Holdfast's are.
func TestPeersBooks(t *testing.T) {
	for _, forget := range []bool{false, true} {
		s := &memoryStore{books: baseline.Books{Wallets: make(map[string]int64)}, forget: forget}
		a := newPeerAdmin(s)
		products := []product{{"hat", 10}}
		l := newLedger("ann", 1)
		if err := errors.Join(a.putProduct(t.Context(), products[0], 0), a.grant(t.Context(), "ann", balance)); err != nil {
			t.Fatal(err)
		}
		for n := range uint64(3) {
			s.sell("ann", n+1, "hat")
			l.acknowledge(n+1, []byte{'a', 'n', 'n', '/', byte('1' + n)}, 0, 1, price)
		}
		ended := &sale{SaleConfig: SaleConfig{Settle: 1}, admin: a, products: products, ledgers: []*ledger{l}}
		_, v, err := ended.settle(t.Context())
		if err != nil || v.OK() == forget || forget && v.Lost != 3 {
			t.Errorf("orders forgotten: %t: got %+v, %v", forget, v, err)
		}
	}
	s := &memoryStore{books: baseline.Books{Orders: []baseline.Order{{Player: "zoe"}}}}
	if _, err := newPeerAdmin(s).audit(t.Context(), ""); err == nil {
		t.Error("an order of nobody is no error")
	}
}

// All of it once, as far as it is installed. The node is a market in its place.
func TestPeersCommand(t *testing.T) {
	if err := baseline.Peers()[0].Missing(); err != nil {
		t.Skip(err)
	}
	plot := filepath.Join(t.TempDir(), "peers.svg")
	out, _, err := run(t, "bench", "peers", "--only", "echo,holdfast,redis-always", "--connections", "4", "--rounds", "1", "--seconds", "0.1",
		"--plot", plot, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var r PeersReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Rows) != 3 || !r.OK() {
		t.Fatalf("got %s, %v, want three rows", out, err)
	}
	for _, row := range r.Rows {
		if row.PerSecond.Median == 0 || row.Ratio.Median == 0 || len(row.Errors) != 0 {
			t.Errorf("got %+v, want a rate and a ratio", row)
		}
	}
	if _, err := os.Stat(plot); err != nil {
		t.Error(err)
	}
}

func TestPeersConfigValidate(t *testing.T) {
	for want, cfg := range map[string]PeersConfig{
		"Connections: 0":     {Connections: []int{0}},
		"Connections: the s": {Connections: []int{8, 8}},
		"Only: no \"mysql\"": {Only: []string{"mysql"}},
		"Only: the same":     {Only: []string{"echo", "echo"}},
		"Rounds: -1":         {Rounds: -1},
		"Duration: -1s":      {Duration: -1e9},
	} {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want an error that begins with %q", err, want)
		}
	}
	if err := (PeersConfig{}).Validate(); err != nil {
		t.Errorf("got %v of the defaults", err)
	}
	var names []string
	for _, c := range contenders(PeersConfig{}) {
		names = append(names, c.name)
	}
	if !slices.Equal(names, ContenderNames()) {
		t.Errorf("got %q, want %q", names, ContenderNames())
	}
}
