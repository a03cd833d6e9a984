package player

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

type products map[actors.SKU]*clusterv1.Product

func (p products) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	product, ok := p[sku]
	return product, ok
}

// rig drives one player.
type rig struct {
	t     *testing.T
	p     *player
	now   time.Time
	local string // the slices on this node
}

func newRig(t *testing.T, cfg Config, catalog products) *rig {
	cfg.Catalog = catalog
	if cfg.Start == nil {
		cfg.Start = map[string]int64{"gold": 100}
	}
	return &rig{t: t, p: Kind(cfg).New("ann").(*player), now: time.Unix(1000, 0)}
}

// take gives the player a message and returns what is sent and answered, a line
// each; events are applied and not shown.
func (r *rig) take(msg actors.Message) string {
	r.t.Helper()
	env := actors.Env{Now: r.now, Local: func(ref actors.Ref) bool { return strings.Contains(r.local, ref.ID) }}
	var out actors.Decision
	if err := r.p.Decide(&env, &msg, &out); err != nil {
		return err.Error()
	}
	for _, e := range out.Events {
		if err := r.p.Apply(e); err != nil {
			r.t.Fatal(err)
		}
	}
	r.p.ApplyVolatile(out.Volatile)
	var lines []string
	for _, m := range out.Sends {
		lines = append(lines, fmt.Sprintf("%s: %s", m.To.ID, actorstest.Format(m.Body)))
	}
	for _, a := range out.Replies {
		switch b := a.Body.(type) {
		case nil:
			lines = append(lines, fmt.Sprintf("%v: %v", a.To, a.Refusal))
		case *clientv1.Bought:
			lines = append(lines, fmt.Sprintf("%v: bought %s", a.To, b.GetOrder().GetId()))
		default:
			lines = append(lines, fmt.Sprintf("%v: %s", a.To, actorstest.Format(b)))
		}
	}
	return strings.Join(lines, "\n")
}

func (r *rig) buy(request uint64, sku string, quantity int64) string {
	r.t.Helper()
	return r.buyAs("client", request, sku, quantity)
}

func (r *rig) buyAs(to string, request uint64, sku string, quantity int64) string {
	r.t.Helper()
	return r.take(actors.Message{Method: MethodBuy, Body: &clientv1.Buy{Request: request, Sku: sku, Quantity: quantity}, ReplyTo: to})
}

func (r *rig) hear(slice string, body proto.Message) string {
	r.t.Helper()
	return r.take(actors.Message{From: actors.Ref{Kind: "stock", ID: slice}, Body: body})
}

// bought makes a purchase succeed.
func (r *rig) bought(request uint64, quantity int64) {
	r.t.Helper()
	r.buy(request, "sword", quantity)
	if got, want := r.hear("sword/0", &clusterv1.Reserved{Request: request, Quantity: quantity}), fmt.Sprintf("client: bought ann/%d", request); got != want {
		r.t.Fatalf("got %q, want %q", got, want)
	}
}

func (r *rig) want(got string, want ...string) {
	r.t.Helper()
	if w := strings.Join(want, "\n"); got != w {
		r.t.Errorf("got:\n%s\nwant:\n%s", got, w)
	}
}

func sword(slices uint32) products {
	return products{"sword": {Sku: "sword", Price: 10, Currency: "gold", Slices: slices}}
}

func TestOrderTransitions(t *testing.T) {
	const (
		created   = clientv1.OrderState_ORDER_STATE_CREATED
		paid      = clientv1.OrderState_ORDER_STATE_PAID
		granted   = clientv1.OrderState_ORDER_STATE_GRANTED
		completed = clientv1.OrderState_ORDER_STATE_COMPLETED
		cancelled = clientv1.OrderState_ORDER_STATE_CANCELLED
	)
	legal := map[[2]clientv1.OrderState]bool{
		{created, paid}: true, {created, cancelled}: true, {paid, granted}: true, {granted, completed}: true,
	}
	for from := created; from <= cancelled; from++ {
		for to := clientv1.OrderState(0); to <= cancelled; to++ {
			o := order{state: from}
			err := o.move(to)
			if (err == nil) != legal[[2]clientv1.OrderState{from, to}] {
				t.Errorf("%s to %s: %v", from, to, err)
			}
			if err != nil && o.state != from {
				t.Errorf("%s to %s: refused, but is %s", from, to, o.state)
			}
		}
	}
}

func TestCopiesJoinThePurchase(t *testing.T) {
	r := newRig(t, Config{}, sword(1))
	r.want(r.buyAs("a", 1, "sword", 1), "sword/0: Reserve{request:1 quantity:1}")
	r.want(r.buyAs("b", 1, "sword", 1))
	if got := r.buyAs("c", 1, "sword", 2); !strings.Contains(got, "INVALID_ARGUMENT") {
		t.Errorf("other contents under the same number: %s", got)
	}
	for i := range maxWaiters - 2 {
		r.buyAs(fmt.Sprint(i), 1, "sword", 1)
	}
	r.want(r.buyAs("last", 1, "sword", 1), "a: CODE_OVERLOADED: too many copies of this request wait")
	r.want(r.hear("sword/0", &clusterv1.Reserved{Request: 1, Quantity: 1}),
		"b: bought ann/1", "0: bought ann/1", "1: bought ann/1", "2: bought ann/1", "3: bought ann/1",
		"4: bought ann/1", "5: bought ann/1", "last: bought ann/1")
}

func TestOnlyTheAskedSliceIsHeard(t *testing.T) {
	r := newRig(t, Config{}, sword(2))
	asked, _, _ := strings.Cut(r.buy(1, "sword", 1), ":")
	other := map[string]string{"sword/0": "sword/1", "sword/1": "sword/0"}[asked]
	r.want(r.hear(other, &clusterv1.Reserved{Request: 1, Quantity: 1}))
	r.want(r.hear(other, &clusterv1.SoldOut{Request: 1, Quantity: 1}))
	r.want(r.hear(asked, &clusterv1.Reserved{Request: 1, Quantity: 2}))
	r.want(r.hear(asked, &clusterv1.SoldOut{Request: 1, Quantity: 2}))
	r.want(r.hear(other, &clusterv1.HoldQuery{Request: 1}), other+": HoldVerdict{request:1 outcome:HOLD_OUTCOME_PENDING}")

	r.now = r.now.Add(time.Hour) // silence does not lead to the next slice
	r.want(r.take(actors.Message{Timer: true}), asked+": Reserve{request:1 quantity:1}")
	r.want(r.hear(asked, &clusterv1.SoldOut{Request: 1, Quantity: 1}), other+": Reserve{request:1 quantity:1}")
	r.want(r.hear(other, &clusterv1.Reserved{Request: 1, Quantity: 1}), "client: bought ann/1")

	// Both may hold units for it by now.
	r.want(r.hear(asked, &clusterv1.Reserved{Request: 1, Quantity: 1}), asked+": HoldVerdict{request:1 outcome:HOLD_OUTCOME_COMPLETED_ELSEWHERE}")
	r.want(r.hear(other, &clusterv1.Reserved{Request: 1, Quantity: 1}))
	r.want(r.hear(other, &clusterv1.HoldQuery{Request: 1}), other+": HoldVerdict{request:1 outcome:HOLD_OUTCOME_COMPLETED_HERE}")
	r.want(r.hear(asked, &clusterv1.HoldQuery{Request: 1}), asked+": HoldVerdict{request:1 outcome:HOLD_OUTCOME_COMPLETED_ELSEWHERE}")
}

func TestSlicesThatWereEmptyAreNotAsked(t *testing.T) {
	r := newRig(t, Config{RoundPause: time.Millisecond, Rounds: 2}, sword(3))
	first, _, _ := strings.Cut(r.buy(1, "sword", 1), ":")
	others := map[string][]uint32{"sword/0": {1, 2}, "sword/1": {0, 2}, "sword/2": {0, 1}}[first]
	// Units are on their way: one more round, after a pause.
	r.want(r.hear(first, &clusterv1.SoldOut{Request: 1, Quantity: 1, Empty: others, Moving: true}))
	r.now = r.now.Add(time.Millisecond)
	r.want(r.take(actors.Message{Timer: true}), first+": Reserve{request:1 quantity:1}")
	r.want(r.hear(first, &clusterv1.SoldOut{Request: 1, Quantity: 1, Empty: append(others, 999), Moving: true}),
		"client: CODE_SOLD_OUT: sold out")
}

func TestLocalSlicesComeFirst(t *testing.T) {
	for _, local := range []string{"sword/0", "sword/3", "sword/6"} {
		r := newRig(t, Config{}, sword(8))
		r.local = local
		r.want(r.buy(1, "sword", 1), local+": Reserve{request:1 quantity:1}")
		r.local = ""
		// The others follow, each once.
		asked := map[string]bool{local: true}
		for at, i := local, 1; i < 8; i++ {
			at, _, _ = strings.Cut(r.hear(at, &clusterv1.SoldOut{Request: 1, Quantity: 1}), ":")
			if asked[at] || !strings.HasPrefix(at, "sword/") {
				t.Fatalf("%d slices were asked, and then %q", i, at)
			}
			asked[at] = true
			if i == 7 {
				r.want(r.hear(at, &clusterv1.Reserved{Request: 1, Quantity: 1}), "client: bought ann/1")
				// Where there was stock is asked first next time.
				r.want(r.buy(2, "sword", 1), at+": Reserve{request:2 quantity:1 confirmed:[1]}")
			}
		}
	}
}

func TestMoneyAndLimitsCountWhatIsUnderWay(t *testing.T) {
	catalog := sword(1)
	catalog["shield"] = &clusterv1.Product{Sku: "shield", Price: 1, Currency: "gold", Slices: 1, LimitPerPlayer: 3}
	r := newRig(t, Config{}, catalog)
	r.buy(1, "sword", 9)
	r.want(r.buy(2, "sword", 2), "client: CODE_INSUFFICIENT_FUNDS: the wallet does not hold the price")
	r.want(r.buy(3, "shield", 2), "shield/0: Reserve{request:3 quantity:2}")
	r.want(r.buy(4, "shield", 2), "client: CODE_LIMIT_REACHED: a player may not buy as many")
	r.want(r.buy(5, "sword", 1), "client: CODE_INSUFFICIENT_FUNDS: the wallet does not hold the price")
	r.want(r.hear("sword/0", &clusterv1.SoldOut{Request: 1, Quantity: 9}), "client: CODE_SOLD_OUT: sold out")
	r.want(r.buy(6, "sword", 9), "sword/0: Reserve{request:6 quantity:9}") // the money is back
}

func TestSaleWindow(t *testing.T) {
	catalog := sword(1)
	catalog["sword"].SaleStart = timestamppb.New(time.Unix(2000, 0))
	catalog["sword"].SaleEnd = timestamppb.New(time.Unix(3000, 0))
	r := newRig(t, Config{}, catalog)
	for i, test := range []struct {
		at int64
		on bool
	}{{1999, false}, {2000, true}, {2999, true}, {3000, false}} {
		r.now = time.Unix(test.at, 0)
		if got := r.buy(uint64(i+1), "sword", 1); strings.Contains(got, "NOT_ON_SALE") == test.on {
			t.Errorf("at %d: %s", test.at, got)
		}
	}
	catalog["sword"].Price = 1 << 62
	if got := r.buy(9, "sword", 4); !strings.Contains(got, "INVALID_ARGUMENT") {
		t.Errorf("a price beyond all numbers: %s", got)
	}
}

func TestTableFullOfUnacknowledgedOrders(t *testing.T) {
	r := newRig(t, Config{Orders: 4}, sword(1))
	for n := range uint64(4) {
		r.bought(n+1, 1)
	}
	if got := r.buy(5, "sword", 1); !strings.Contains(got, "OVERLOADED") {
		t.Errorf("a fifth order: %s", got)
	}
	r.hear("sword/0", &clusterv1.Confirmed{Requests: []uint64{2, 3}})
	if got := r.buy(5, "sword", 1); !strings.Contains(got, "OVERLOADED") {
		t.Errorf("the lowest is unacknowledged, but gave way: %s", got)
	}
	r.hear("sword/0", &clusterv1.Confirmed{Requests: []uint64{1}})
	r.bought(5, 1)
	if got := r.buy(1, "sword", 1); !strings.Contains(got, "EXPIRED_REQUEST") {
		t.Errorf("an order that gave way: %s", got)
	}
	r.want(r.buy(2, "sword", 1), "client: bought ann/2")
}

func TestPendingIsBounded(t *testing.T) {
	r := newRig(t, Config{Start: map[string]int64{"gold": 1 << 30}}, sword(1))
	for n := range uint64(maxPending) {
		r.buy(n+1, "sword", 1)
	}
	if got := r.buy(maxPending+1, "sword", 1); !strings.Contains(got, "OVERLOADED") {
		t.Errorf("one more: %s", got)
	}
	for n := uint64(maxPending); n > 0; n-- { // in any order
		r.want(r.hear("sword/0", &clusterv1.Reserved{Request: n, Quantity: 1}), fmt.Sprintf("client: bought ann/%d", n))
	}
}

// TestTableAdmits makes random orders come, finish and be acknowledged in any
// order: whatever was admitted can be recorded.
func TestTableAdmits(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 5))
		size := 1 + r.IntN(12)
		var tab table
		var pending []uint64
		lowest := func(except uint64) uint64 {
			low := uint64(noFloor)
			for _, n := range pending {
				if n != except {
					low = min(low, n)
				}
			}
			return low
		}
		record := func(n uint64, o order) {
			watermark, ok := tab.room(n, o.final(), size, lowest(n))
			if !ok {
				t.Fatalf("seed %d: no room for order %d, which was admitted", seed, n)
			}
			if err := errors.Join(tab.insert(o), tab.raise(watermark)); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		const granted, cancelled = clientv1.OrderState_ORDER_STATE_GRANTED, clientv1.OrderState_ORDER_STATE_CANCELLED
		for range 200 {
			n := tab.watermark + 1 + r.Uint64N(20)
			busy := tab.find(n) != nil
			for _, p := range pending {
				busy = busy || p == n
			}
			switch k := r.IntN(4); {
			case k == 0 && len(pending) > 0:
				i := r.IntN(len(pending))
				n = pending[i]
				state := granted
				if r.IntN(3) == 0 {
					state = cancelled
				}
				record(n, order{request: n, state: state})
				pending = append(pending[:i], pending[i+1:]...)
			case k == 1 && !busy && tab.admits(n, false, len(pending), size, lowest(n)):
				pending = append(pending, n)
			case k == 2 && !busy && tab.admits(n, true, len(pending), size, lowest(n)):
				record(n, order{request: n, state: cancelled})
			case k == 3 && len(tab.orders) > 0:
				if o := &tab.orders[r.IntN(len(tab.orders))]; o.state == granted {
					o.state = clientv1.OrderState_ORDER_STATE_COMPLETED
				}
			}
			if len(tab.orders) > size {
				t.Fatalf("seed %d: %d orders in a table of %d", seed, len(tab.orders), size)
			}
		}
	}
}

// TestApplyRefusesWhatCannotBe: each of these events means that the journal is
// not that of this player, or that a decision was wrong.
func TestApplyRefusesWhatCannotBe(t *testing.T) {
	completed := func(request uint64, price, quantity int64) *journalv1.PlayerEvent {
		return &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Completed{Completed: &journalv1.PurchaseCompleted{
			Request: request, Sku: "sword", Quantity: quantity, Price: price, Currency: "gold",
		}}}
	}
	for name, e := range map[string]*journalv1.PlayerEvent{
		"opened twice":            {Opening: &journalv1.PlayerOpening{}},
		"more than the wallet":    completed(2, 91, 1),
		"negative price":          completed(2, -1, 1),
		"no units":                completed(2, 1, 0),
		"completed twice":         completed(1, 1, 1),
		"declined once completed": {Change: &journalv1.PlayerEvent_Declined{Declined: &journalv1.PurchaseDeclined{Request: 1}}},
		"unknown acknowledged":    {Acknowledged: []uint64{7}},
		"acknowledged twice":      {Acknowledged: []uint64{1, 1}},
		"evicted too early":       {Watermark: 1},
		"forgot too many ids":     {Change: &journalv1.PlayerEvent_Granted{Granted: &journalv1.MoneyGranted{Id: "x", Forgotten: 1}}},
	} {
		r := newRig(t, Config{}, sword(1))
		r.bought(1, 1)
		if err := r.p.Apply(e); err == nil {
			t.Errorf("%s: was applied", name)
		}
	}
	r := newRig(t, Config{}, sword(1))
	r.bought(1, 1)
	if err := r.p.Apply(&journalv1.PlayerEvent{Acknowledged: []uint64{1}, Watermark: 1}); err != nil {
		t.Error(err)
	}
	if err := r.p.Apply(completed(1, 1, 1)); err == nil {
		t.Error("an order at the watermark was completed again")
	}
}

func TestRestoreRefusesBrokenStates(t *testing.T) {
	for name, st := range map[string]*journalv1.PlayerState{
		"no such state":    {Opened: true, Orders: []*journalv1.PlayerOrder{{Request: 1, State: 99}}},
		"an order twice":   {Opened: true, Orders: []*journalv1.PlayerOrder{{Request: 1, State: 5}, {Request: 1, State: 5}}},
		"at the watermark": {Opened: true, Watermark: 1, Orders: []*journalv1.PlayerOrder{{Request: 1, State: 5}}},
	} {
		if err := newRig(t, Config{}, sword(1)).p.Restore(st); err == nil {
			t.Errorf("%s: was restored", name)
		}
	}
}

func TestStartIsJournaledWithTheFirstEvent(t *testing.T) {
	r := newRig(t, Config{Start: map[string]int64{"gold": 50, "gems": 3}}, sword(1))
	if got := r.p.Snapshot().(*journalv1.PlayerState); got.GetOpened() {
		t.Errorf("a player without events has a state: %v", got)
	}
	r.bought(1, 1)
	richer := newRig(t, Config{Start: map[string]int64{"gold": 9999}}, sword(1))
	if err := richer.p.Restore(r.p.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if got := richer.p.view().GetWallet(); got["gold"] != 40 || got["gems"] != 3 {
		t.Errorf("the wallet is %v after a change of Start, want 40 gold and 3 gems", got)
	}
}

func TestConfigValidate(t *testing.T) {
	for field, c := range map[string]Config{
		"Start": {Start: map[string]int64{"gold": -1}}, "Orders": {Orders: -1}, "ConfirmAfter": {ConfirmAfter: -1},
		"Resend": {Resend: -1}, "Rounds": {Rounds: -1}, "RoundPause": {RoundPause: -1}, "Grants": {Grants: requests.IDLimits{Memory: -1}},
	} {
		c.Catalog = products{}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "Catalog") {
		t.Errorf("Catalog: %v", err)
	}
	if err := (Config{Catalog: products{}, Start: map[string]int64{"gold": 1}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestOrderDigestIsOfTheID(t *testing.T) {
	if OrderID("ann", 12) != "ann/12" {
		t.Errorf("id %q", OrderID("ann", 12))
	}
	if OrderDigest("ann", 12) == OrderDigest("ann1", 2) || OrderDigest("ann", 12) == OrderDigest("ann", 13) {
		t.Error("different orders have the same digest")
	}
}
