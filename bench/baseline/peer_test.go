package baseline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Every peer that can be started here does the same work.
func TestPeers(t *testing.T) {
	for _, p := range Peers() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel() // they are processes of their own, and wait for their disks
			if err := p.Missing(); err != nil {
				t.Skip(err)
			}
			r, err := p.Start(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Stop(); err != nil {
					t.Error(err)
				}
			}()
			testStore(t, r.Store)
			testGateway(t, r)
		})
	}
}

// testStore tells the story of a product with five units.
func testStore(t *testing.T, s Store) {
	const sold, refused = clientv1.Code_CODE_SOLD_OUT, clientv1.Code_CODE_INSUFFICIENT_FUNDS
	put(t, s, Product{SKU: "hat", Price: 10, Stock: 5}, map[string]int64{"ann": 100, "ben": 15, "cy/d": 1 << 40})
	for _, step := range []struct {
		what string
		Purchase
		want Receipt
	}{
		{"bought", Purchase{"ann", 1, "hat", 2}, Receipt{0, "hat", 2, 20, 80}},
		{"a copy is answered alike", Purchase{"ann", 1, "hat", 2}, Receipt{0, "hat", 2, 20, 80}},
		{"a copy with other contents too", Purchase{"ann", 1, "hat", 1}, Receipt{0, "hat", 2, 20, 80}},
		{"too dear", Purchase{"ben", 1, "hat", 2}, Receipt{refused, "hat", 2, 0, 0}},
		{"cheap enough", Purchase{"ben", 2, "hat", 1}, Receipt{0, "hat", 1, 10, 5}},
		{"a refusal is remembered", Purchase{"ben", 1, "hat", 2}, Receipt{refused, "hat", 2, 0, 0}},
		{"more than is left", Purchase{"cy/d", 1, "hat", 3}, Receipt{sold, "hat", 3, 0, 0}},
		{"the last", Purchase{"cy/d", 2, "hat", 2}, Receipt{0, "hat", 2, 20, 1<<40 - 20}},
		{"sold out", Purchase{"ann", 7, "hat", 1}, Receipt{sold, "hat", 1, 0, 0}},
		{"no such product", Purchase{"ann", 8, "cap", 1}, Receipt{clientv1.Code_CODE_NOT_FOUND, "cap", 1, 0, 0}},
		{"no such player", Purchase{"zoe", 1, "hat", 1}, Receipt{refused, "hat", 1, 0, 0}},
	} {
		if got := buy(t, s, step.Purchase); got != step.want {
			t.Errorf("%s: got %+v, want %+v", step.what, got, step.want)
		}
	}
	b, err := s.Books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b.Left["hat"] != 0 || b.Wallets["ann"] != 80 || b.Wallets["ben"] != 5 || b.Wallets["cy/d"] != 1<<40-20 || len(b.Orders) != 3 {
		t.Errorf("got books %+v, want three orders that took everything", b)
	}
	for _, o := range b.Orders {
		if o.Player == "cy/d" && (o.Request != 2 || o.Receipt != Receipt{0, "hat", 2, 20, 1<<40 - 20}) {
			t.Errorf("got order %+v", o)
		}
	}
	testRush(t, s)
}

// testRush lets buyers at 30 units, each asking for every purchase twice at once.
func testRush(t *testing.T, s Store) {
	const buyers, requests, units = 6, 10, 30
	wallets := make(map[string]int64)
	for i := range buyers {
		wallets["rush"+string(rune('a'+i))] = 1000
	}
	put(t, s, Product{SKU: "rush", Price: 1, Stock: units}, wallets)
	var bought, differ atomic.Int64
	var all sync.WaitGroup
	for player := range wallets {
		all.Go(func() {
			for n := range requests {
				p := Purchase{player, uint64(n + 1), "rush", 1}
				var copied Receipt
				var other sync.WaitGroup
				other.Go(func() { copied = buy(t, s, p) })
				r := buy(t, s, p)
				other.Wait()
				if r != copied {
					differ.Add(1)
				}
				if r.Code == clientv1.Code_CODE_UNSPECIFIED {
					bought.Add(1)
				}
			}
		})
	}
	all.Wait()
	b, err := s.Books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spent := int64(0)
	for player := range wallets {
		spent += 1000 - b.Wallets[player]
	}
	if bought.Load() != units || differ.Load() != 0 || b.Left["rush"] != 0 || spent != units {
		t.Errorf("got %d bought, %d copies answered otherwise, %d left, %d spent, want all %d sold once",
			bought.Load(), differ.Load(), b.Left["rush"], spent, units)
	}
}

func put(t *testing.T, s Store, p Product, wallets map[string]int64) {
	t.Helper()
	err := s.PutProduct(t.Context(), p)
	for player, amount := range wallets {
		err = errors.Join(err, s.Grant(t.Context(), player, amount))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func buy(t *testing.T, s Store, p Purchase) Receipt {
	r, err := s.Buy(t.Context(), &p)
	if err != nil {
		t.Errorf("buy %+v: %v", p, err)
	}
	return r
}

// testGateway buys through the gateway.
func testGateway(t *testing.T, r *Running) {
	put(t, r.Store, Product{SKU: "pin", Price: 3, Stock: 1}, map[string]int64{"gus": 10})
	token, err := r.Token("gus")
	if err != nil {
		t.Fatal(err)
	}
	l, err := client.DialLane(t.Context(), r.URL, client.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 {
		got, err := l.Buy(1, "pin", 1, 0)
		if err != nil || !got.Bought || string(got.OrderID) != "gus/1" || got.Quantity != 1 || got.Price != 3 || got.Balance != 7 {
			t.Errorf("got %+v, %v, want a pin for 3 of 10", got, err)
		}
	}
	if got, err := l.Buy(2, "pin", 1, 0); err != nil || got.Code != clientv1.Code_CODE_SOLD_OUT {
		t.Errorf("got %+v, %v, want sold out", got, err)
	}
}

func TestStartThatFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	// Echo ends at once, and has no address to say.
	p := Peer{Name: "none", backend: etcdServer{}}
	if r, err := p.Start(t.Context(), []string{"false"}); err == nil || r != nil || !strings.Contains(err.Error(), "start none") {
		t.Errorf("got %v, %v, want no peer", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := p.Start(ctx, nil); err == nil || r != nil {
		t.Errorf("got %v, %v, want no peer once it is cancelled", r, err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := (redisServer{}).missing(); err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("got %v, want to hear how to install it", err)
	}
	if got := postgresPrograms("nowhere/*/bin"); got != "" {
		t.Errorf("got programs in %q, want none", got)
	}
	if err := (etcdServer{}).missing(); err != nil {
		t.Errorf("got %v, but etcd is built in", err)
	}
}

func TestNewestPostgresIsTaken(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	for _, version := range []string{"9.6", "15", "9"} {
		if err := os.MkdirAll(filepath.Join(dir, version, "bin"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := postgresPrograms(filepath.Join(dir, "*", "bin")), filepath.Join(dir, "15", "bin"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
