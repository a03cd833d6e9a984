package stock

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/actors/requests"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

type products map[actors.SKU]*clusterv1.Product

func (p products) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	product, ok := p[sku]
	return product, ok
}

// rig drives slice 0 of a product of three.
type rig struct {
	t   *testing.T
	s   *slice
	now time.Time
}

func newRig(t *testing.T, cfg Config) *rig {
	cfg.Catalog = products{"sword": {Sku: "sword", Slices: 3, LowStock: 2}}
	return &rig{t: t, s: Kind(cfg).New("sword/0").(*slice), now: time.Unix(1000, 0)}
}

// take gives the slice a message and returns everything that comes of it, a
// line each, without the names of the slice itself.
func (r *rig) take(msg actors.Message) string {
	r.t.Helper()
	var out actors.Decision
	if err := r.s.Decide(&actors.Env{Now: r.now}, &msg, &out); err != nil {
		return "error: " + err.Error()
	}
	var lines []string
	for _, e := range out.Events {
		if err := r.s.Apply(e); err != nil {
			r.t.Fatal(err)
		}
		lines = append(lines, "* "+actorstest.Format(e))
	}
	r.s.ApplyVolatile(out.Volatile)
	for _, m := range out.Sends {
		lines = append(lines, fmt.Sprintf("%s: %s", m.To, actorstest.Format(m.Body)))
	}
	for _, b := range out.Broadcasts {
		lines = append(lines, fmt.Sprintf("%s: %s", b.Topic, actorstest.Format(b.Body)))
	}
	for _, a := range out.Replies {
		lines = append(lines, "answer: "+actorstest.Format(a.Body))
	}
	return strings.Join(lines, "\n")
}

func (r *rig) hear(from string, body proto.Message) string {
	r.t.Helper()
	kind, id, _ := strings.Cut(from, ":")
	return r.take(actors.Message{From: actors.Ref{Kind: kind, ID: id}, Body: body})
}

func (r *rig) timer() string { r.t.Helper(); return r.take(actors.Message{Timer: true}) }

func (r *rig) restock(id string, n int64) string {
	r.t.Helper()
	return r.take(actors.Message{Method: MethodRestock, Body: &clusterv1.Restock{Id: id, Quantity: n}, ReplyTo: r})
}

func (r *rig) want(got string, want ...string) {
	r.t.Helper()
	if w := strings.Join(want, "\n"); got != w {
		r.t.Errorf("got:\n%s\nwant:\n%s", got, w)
	}
}

func reserve(request uint64, quantity int64, watermark uint64, confirmed ...uint64) *clusterv1.Reserve {
	return &clusterv1.Reserve{Request: request, Quantity: quantity, Watermark: watermark, Confirmed: confirmed}
}

func TestParseID(t *testing.T) {
	for _, test := range []struct {
		id    string
		sku   actors.SKU
		slice uint32
		bad   bool
	}{
		{id: "sword/0", sku: "sword"},
		{id: "a/b/255", sku: "a/b", slice: 255},
		{id: "sword/256", bad: true},
		{id: "sword/01", bad: true},
		{id: "sword/-1", bad: true},
		{id: "sword/", bad: true},
		{id: "sword", bad: true},
		{id: "/1", bad: true},
	} {
		sku, slice, err := ParseID(test.id)
		if sku != test.sku || slice != test.slice || (err != nil) != test.bad {
			t.Errorf("ParseID(%q) = %q, %d, %v", test.id, sku, slice, err)
		}
		if err == nil && Ref(sku, slice).ID != test.id {
			t.Errorf("Ref(%q, %d) = %s", sku, slice, Ref(sku, slice))
		}
	}
	if got := (&rig{t: t, s: Kind(Config{}).New("sword").(*slice)}).timer(); !strings.Contains(got, "NOT_FOUND") {
		t.Errorf("a slice with a wrong id answers %q", got)
	}
}

func TestReserve(t *testing.T) {
	r := newRig(t, Config{})
	r.restock("first", 5)
	r.want(r.hear("player:ann", reserve(1, 2, 0)),
		"* StockEvent{reserved:StockReserved{player:ann request:1 quantity:2 at:1000000000000}}",
		"player/ann: Reserved{request:1 quantity:2}")
	r.want(r.hear("player:ann", reserve(1, 2, 0)), "player/ann: Reserved{request:1 quantity:2}") // a copy
	r.want(r.hear("player:ann", reserve(1, 3, 0)), "player/ann: SoldOut{request:1 quantity:3}")  // other contents
	r.want(r.hear("player:ann", reserve(2, 1, 0, 1)),
		"* StockEvent{reserved:StockReserved{player:ann request:2 quantity:1 at:1000000000000 sold:[1]}}",
		"player/ann: Reserved{request:2 quantity:1 confirmed:[1]}")
	r.want(r.hear("player:ann", reserve(1, 2, 0)), "player/ann: Confirmed{requests:[1]}") // sold already
	r.want(r.hear("player:ann", reserve(3, 3, 0, 1, 2)),                                  // too many: but 2 is booked
		"* StockEvent{sold:StockSold{player:ann requests:[2]}}",
		"player/ann: SoldOut{request:3 quantity:3 confirmed:[1 2]}")
	r.want(r.hear("player:ann", &clusterv1.Confirm{Requests: []uint64{2, 7}}), // 7 is not held: no acknowledgement
		"player/ann: Confirmed{requests:[2]}")
	r.want(r.hear("player:ann", reserve(4, 2, 2)),
		"* StockEvent{reserved:StockReserved{player:ann request:4 quantity:2 at:1000000000000 watermark:2}}",
		"player/ann: Reserved{request:4 quantity:2}",
		"stock.sword: StockSlice{sku:sword slices:3 low:2}") // zero is told at once
	r.want(r.hear("player:ann", reserve(2, 1, 0)), "") // at the watermark
	for _, m := range []*clusterv1.Reserve{reserve(5, 0, 0), reserve(5, -1, 0), reserve(0, 1, 0)} {
		if got := r.hear("player:ann", m); !strings.HasPrefix(got, "error") {
			t.Errorf("%v: %s", m, got)
		}
	}
	if got := r.hear("guild:lions", reserve(5, 1, 0)); !strings.HasPrefix(got, "error") {
		t.Errorf("a guild reserves: %s", got)
	}
}

func TestWatermarkReleasesWhatWasHeldForClosedOrders(t *testing.T) {
	r := newRig(t, Config{})
	r.restock("first", 5)
	r.hear("player:ann", reserve(1, 1, 0))
	r.hear("player:ann", reserve(2, 1, 0))
	r.hear("player:ann", reserve(9, 1, 3, 2))
	if r.s.sold != 1 || r.s.held != 1 || r.s.free != 3 {
		t.Errorf("sold %d, held %d, free %d, want 1, 1, 3", r.s.sold, r.s.held, r.s.free)
	}
}

func TestVerdicts(t *testing.T) {
	for outcome, want := range map[clusterv1.HoldOutcome]string{
		clusterv1.HoldOutcome_HOLD_OUTCOME_UNSPECIFIED:         "held",
		clusterv1.HoldOutcome_HOLD_OUTCOME_PENDING:             "held",
		clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_HERE:      "sold",
		clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE: "free",
		clusterv1.HoldOutcome_HOLD_OUTCOME_DECLINED:            "free",
		clusterv1.HoldOutcome_HOLD_OUTCOME_CLOSED:              "free",
	} {
		r := newRig(t, Config{})
		r.restock("first", 1)
		r.hear("player:ann", reserve(1, 1, 0))
		for range 2 { // a copy changes nothing
			r.hear("player:ann", &clusterv1.HoldVerdict{Request: 1, Outcome: outcome})
			got := map[string]int64{"held": r.s.held, "sold": r.s.sold, "free": r.s.free}
			if got[want] != 1 {
				t.Errorf("%s: %v, want 1 %s", outcome, got, want)
			}
		}
	}
}

func TestNoTimerReleasesAHold(t *testing.T) {
	r := newRig(t, Config{})
	r.restock("first", 2)
	r.hear("player:ann", reserve(1, 1, 0))
	r.now = r.now.Add(9 * time.Second)
	r.hear("player:bob", reserve(1, 1, 0))
	r.timer()
	if at, ok := r.s.NextTimer(); !ok || !at.Equal(time.Unix(1010, 0)) {
		t.Errorf("the next timer is %v, %v, want ten seconds after the first hold", at, ok)
	}
	r.now = r.now.Add(time.Second)
	r.want(r.timer(), "player/ann: HoldQuery{request:1}")
	r.want(r.timer(), "") // too soon
	r.now = r.now.Add(time.Second)
	r.want(r.timer(), "player/ann: HoldQuery{request:1}")
	r.now = r.now.Add(time.Hour)
	r.want(r.timer(), "player/ann: HoldQuery{request:1}", "player/bob: HoldQuery{request:1}")
	if r.s.held != 2 {
		t.Errorf("%d held, want 2", r.s.held)
	}
}

func TestLend(t *testing.T) {
	r := newRig(t, Config{LendMin: 3})
	r.want(r.hear("stock:sword/2", &clusterv1.Borrow{}), "stock/sword/2: Dry{}")
	r.want(r.restock("first", 9),
		"* StockEvent{restocked:StockRestocked{id:first contents:"+fmt.Sprint(restockContents(&clusterv1.Restock{Quantity: 9}))+" quantity:9 at:1000000000000}}",
		"stock/sword/2: Refilled{}",
		"answer: Restocked{free:9}")
	r.want(r.hear("stock:sword/2", &clusterv1.Borrow{}),
		"* StockEvent{lent:StockLent{to:2 number:1 quantity:4 at:1000000000000}}",
		"stock/sword/2: Transfer{number:1 quantity:4}")
	r.want(r.hear("stock:sword/2", &clusterv1.Borrow{}), "stock/sword/2: Transfer{number:1 quantity:4}") // one at a time
	r.want(r.hear("stock:sword/1", &clusterv1.Borrow{}), "stock/sword/1: Dry{free:5 moving:true}")
	r.timer()
	r.now = r.now.Add(time.Second)
	r.want(r.timer(), "stock/sword/2: Transfer{number:1 quantity:4}")
	r.want(r.timer(), "")
	r.want(r.hear("stock:sword/2", &clusterv1.TransferAck{Number: 1}), "* StockEvent{delivered:StockDelivered{to:2 number:1}}")
	r.want(r.hear("stock:sword/2", &clusterv1.TransferAck{Number: 1}), "")
	if _, ok := r.s.NextTimer(); ok {
		t.Error("there is still something to wait for")
	}
	for _, from := range []string{"stock:sword/0", "stock:shield/1", "stock:sword/999", "player:ann"} {
		if got := r.hear(from, &clusterv1.Borrow{}); !strings.HasPrefix(got, "error") {
			t.Errorf("%s borrows: %s", from, got)
		}
	}
}

func TestBorrow(t *testing.T) {
	r := newRig(t, Config{})
	r.want(r.hear("player:ann", reserve(1, 1, 0)),
		"stock/sword/1: Borrow{}", "player/ann: SoldOut{request:1 quantity:1 moving:true}")
	r.want(r.hear("player:bob", reserve(1, 1, 0)), "player/bob: SoldOut{request:1 quantity:1 moving:true}") // one at a time
	r.hear("stock:sword/1", &clusterv1.Dry{})
	r.now = r.now.Add(20 * time.Millisecond)
	r.want(r.hear("player:bob", reserve(1, 1, 0)),
		"stock/sword/2: Borrow{}", "player/bob: SoldOut{request:1 quantity:1 empty:[1] moving:true}")
	r.hear("stock:sword/2", &clusterv1.Dry{Free: 3})
	r.now = r.now.Add(20 * time.Millisecond)
	r.want(r.hear("player:bob", reserve(1, 1, 0)), "player/bob: SoldOut{request:1 quantity:1 empty:[1]}") // nobody to ask
	r.hear("stock:sword/1", &clusterv1.Refilled{})
	r.want(r.hear("player:bob", reserve(1, 1, 0)),
		"stock/sword/1: Borrow{}", "player/bob: SoldOut{request:1 quantity:1 moving:true}")
	got := &clusterv1.Transfer{Number: 1, Quantity: 4}
	r.want(r.hear("stock:sword/1", got),
		"* StockEvent{received:StockReceived{from:1 number:1 quantity:4}}", "stock/sword/1: TransferAck{number:1}")
	r.want(r.hear("stock:sword/1", got), "stock/sword/1: TransferAck{number:1}") // a copy
	if got := r.hear("stock:sword/1", &clusterv1.Transfer{Number: 3, Quantity: 4}); !strings.HasPrefix(got, "error") {
		t.Errorf("a gap in the transfers: %s", got)
	}
	if r.s.free != 4 {
		t.Errorf("%d free, want 4", r.s.free)
	}
}

func TestRestock(t *testing.T) {
	r := newRig(t, Config{Restocks: requests.IDLimits{Capacity: 1, Memory: time.Hour}})
	for _, test := range []struct {
		id       string
		quantity int64
		want     string
	}{
		{"a", 5, "Restocked{free:5}"},
		{"a", 5, "Restocked{free:5}"},
		{"a", 6, "CODE_INVALID_ARGUMENT"},
		{"", 5, "CODE_INVALID_ARGUMENT"},
		{strings.Repeat("x", requests.MaxIDLength+1), 5, "CODE_INVALID_ARGUMENT"},
		{"b", 0, "CODE_INVALID_ARGUMENT"},
		{"b", maxUnits, "CODE_INVALID_ARGUMENT"},
		{"b", 5, "CODE_OVERLOADED"}, // rather than forget the first
	} {
		if got := r.restock(test.id, test.quantity); !strings.Contains(got, test.want) {
			t.Errorf("restock %q with %d: %s, want %s", test.id, test.quantity, got, test.want)
		}
	}
	r.now = r.now.Add(time.Hour)
	if got := r.restock("b", 5); !strings.Contains(got, "Restocked{free:10}") {
		t.Errorf("an hour later: %s", got)
	}
	catalog := r.s.cfg.Catalog.(products)
	catalog["sword"].Slices = 0
	if got := r.restock("c", 1); !strings.Contains(got, "CODE_NOT_FOUND") {
		t.Errorf("slice beyond the product's: %s", got)
	}
	delete(catalog, "sword")
	if got := r.restock("c", 1); !strings.Contains(got, "CODE_UNAVAILABLE") {
		t.Errorf("product not known yet: %s", got)
	}
}

func TestLevelIsBroadcastNowAndThen(t *testing.T) {
	r := newRig(t, Config{})
	r.want(r.timer(), "") // nothing has ever happened
	r.restock("first", 9)
	r.want(r.timer(), "stock.sword: StockSlice{sku:sword slices:3 free:9 low:2}")
	r.hear("player:ann", reserve(1, 1, 0))
	r.want(r.timer(), "") // too soon
	r.now = r.now.Add(200 * time.Millisecond)
	r.want(r.timer(), "stock.sword: StockSlice{sku:sword slices:3 free:8 low:2}")
	r.now = r.now.Add(time.Second)
	r.want(r.timer(), "") // no change

	snapshot := r.s.Snapshot() // who takes over tells it again
	r.s = newSlice(r.s.cfg, "sword/0")
	if err := r.s.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	r.want(r.timer(), "stock.sword: StockSlice{sku:sword slices:3 free:8 low:2}")
	r.want(r.take(actors.Message{Method: MethodLevel, Body: &clusterv1.Level{}, ReplyTo: r}),
		"answer: StockSlice{sku:sword slices:3 free:8 low:2}")
}

// TestApplyRefusesWhatCannotBe: each of these events means that the journal is
// not that of this slice, or that a decision was wrong.
func TestApplyRefusesWhatCannotBe(t *testing.T) {
	for name, e := range map[string]*journalv1.StockEvent{
		"nothing":              {},
		"more held than free":  {Change: &journalv1.StockEvent_Reserved{Reserved: &journalv1.StockReserved{Player: "bob", Request: 1, Quantity: 9}}},
		"held twice":           {Change: &journalv1.StockEvent_Reserved{Reserved: &journalv1.StockReserved{Player: "ann", Request: 1, Quantity: 1}}},
		"sold, not held":       {Change: &journalv1.StockEvent_Sold{Sold: &journalv1.StockSold{Player: "ann", Requests: []uint64{2}}}},
		"sold to a stranger":   {Change: &journalv1.StockEvent_Sold{Sold: &journalv1.StockSold{Player: "bob", Requests: []uint64{1}}}},
		"released, not held":   {Change: &journalv1.StockEvent_Released{Released: &journalv1.StockReleased{Player: "ann", Request: 2}}},
		"lent too much":        {Change: &journalv1.StockEvent_Lent{Lent: &journalv1.StockLent{To: 1, Number: 1, Quantity: 9}}},
		"lent to itself":       {Change: &journalv1.StockEvent_Lent{Lent: &journalv1.StockLent{To: 0, Number: 1, Quantity: 1}}},
		"lent with a gap":      {Change: &journalv1.StockEvent_Lent{Lent: &journalv1.StockLent{To: 1, Number: 2, Quantity: 1}}},
		"received with a gap":  {Change: &journalv1.StockEvent_Received{Received: &journalv1.StockReceived{From: 1, Number: 2, Quantity: 1}}},
		"received nothing":     {Change: &journalv1.StockEvent_Received{Received: &journalv1.StockReceived{From: 1, Number: 1}}},
		"delivered, not lent":  {Change: &journalv1.StockEvent_Delivered{Delivered: &journalv1.StockDelivered{To: 1, Number: 1}}},
		"negative restock":     {Change: &journalv1.StockEvent_Restocked{Restocked: &journalv1.StockRestocked{Id: "x", Quantity: -9}}},
		"forgot too many ids":  {Change: &journalv1.StockEvent_Restocked{Restocked: &journalv1.StockRestocked{Id: "x", Quantity: 1, Forgotten: 9}}},
		"negative reservation": {Change: &journalv1.StockEvent_Reserved{Reserved: &journalv1.StockReserved{Player: "bob", Request: 1, Quantity: -9}}},
	} {
		r := newRig(t, Config{})
		r.restock("first", 3)
		r.hear("player:ann", reserve(1, 1, 0))
		if err := r.s.Apply(e); err == nil {
			t.Errorf("%s: was applied", name)
		}
	}
}

func TestRestoreRefusesBooksThatDoNotBalance(t *testing.T) {
	for name, st := range map[string]*journalv1.StockState{
		"units from nowhere": {Free: 1},
		"negative":           {Free: -1, Sold: 1},
		"hold of nobody":     {Initial: 1, Holds: []*journalv1.StockHold{{Quantity: 1}}},
		"a buyer twice":      {Buyers: []*journalv1.StockBuyer{{Player: "ann"}, {Player: "ann"}}},
		"itself as sibling":  {Siblings: []*journalv1.StockSibling{{Slice: 0, Sent: 1}}},
	} {
		if err := newRig(t, Config{}).s.Restore(st); err == nil {
			t.Errorf("%s: was restored", name)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for field, c := range map[string]Config{
		"HoldAsk": {HoldAsk: -1}, "Resend": {Resend: -1}, "LevelEvery": {LevelEvery: -1}, "BorrowEvery": {BorrowEvery: -1},
		"DryFor": {DryFor: -1}, "LendMin": {LendMin: -1}, "Restocks": {Restocks: requests.IDLimits{Capacity: -1}},
	} {
		c.Catalog = products{}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "Catalog") {
		t.Errorf("Catalog: %v", err)
	}
	if err := (Config{Catalog: products{}}).Validate(); err != nil {
		t.Error(err)
	}
}
