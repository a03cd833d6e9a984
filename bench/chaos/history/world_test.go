package history

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// size says how big a world to make up.
type size struct {
	players, purchases int // purchases of each player
	skus, slices       int
	shards, nodes      int
	stock              int64 // of each product
	outstanding        int   // of one player
	sameQuantity       bool  // of all purchases; else 1 or 2
	// unknown, again, lost are shares: of purchases whose outcome stays open, that
	// are sent again after their answer, whose first answer is lost.
	unknown, again, lost float64
	reads                int // of each player
}

var small = size{
	players: 8, purchases: 60, skus: 2, slices: 3, shards: 8, nodes: 3, stock: 150, outstanding: 4,
	unknown: 0.05, again: 0.1, lost: 0.1, reads: 20,
}

// line is one line of a log dump.
type line struct {
	Record
	event proto.Message
}

// world is a made-up run that is as it should be: operations, logs, books.
type world struct {
	size
	random *rand.Rand
	begin  time.Time
	now    time.Duration

	ops   []Op
	logs  [][]line // in the order in which they began
	books Books

	open   []int // index of the log that each node writes, by node
	owner  []int // node of each shard
	epoch  []uint64
	seqs   map[string]uint64
	wallet map[string]*madeWallet
	stock  map[string]*madeSlice
	lent   map[string]uint64
}

type madeWallet struct {
	opened      bool
	balance     int64
	unconfirmed []madeOrder
	acked       []uint64 // by the slice, not by the player's journal
	recorded    []uint64 // orders that the journal can forget
	granted     map[string]int64
	watermark   uint64
	completed   int64
	digest      uint64
	spent       int64
}

type madeOrder struct {
	request  uint64
	slice    string
	quantity int64
}

type madeSlice struct {
	initial, free, held, sold, lent, received int64
	told                                      map[string]uint64 // watermark, by player
}

const (
	startMoney = 1000
	giftMoney  = 100_000
	unitPrice  = 3
)

// makeUp returns a run of that size without fault.
func makeUp(seed uint64, s size) *world {
	w := &world{
		size: s, random: rand.New(rand.NewPCG(seed, 17)), begin: time.Unix(1_900_000_000, 0).UTC(),
		seqs: make(map[string]uint64), wallet: make(map[string]*madeWallet), stock: make(map[string]*madeSlice), lent: make(map[string]uint64),
		owner: make([]int, s.shards), epoch: make([]uint64, s.shards),
	}
	for n := range s.nodes {
		w.open = append(w.open, -1)
		w.newLog(n)
	}
	for i := range w.owner {
		w.owner[i], w.epoch[i] = i%s.nodes, 1
	}
	w.prepare()
	w.run()
	w.settle()
	return w
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

func (w *world) newLog(node int) {
	w.open[node] = len(w.logs)
	w.logs = append(w.logs, nil)
}

// append writes an actor's event to the log of its owner. A new entry begins
// now and then.
func (w *world) append(kind, id string, event proto.Message) {
	shard := int(xxhash.Sum64String(kind+"/"+id) % uint64(w.shards))
	w.seqs[kind+id]++
	log := w.open[w.owner[shard]]
	name := fmt.Sprintf("node%d-%d", w.owner[shard], log)
	entry := uint64(1)
	if n := len(w.logs[log]); n > 0 {
		entry = w.logs[log][n-1].Entry
		if w.chance(0.4) {
			entry++
		}
	}
	w.logs[log] = append(w.logs[log], line{
		Record: Record{
			Log: name, Entry: entry, Incarnation: name, Kind: kind, ID: id, Seq: w.seqs[kind+id], Shard: uint32(shard), Epoch: w.epoch[shard],
		},
		event: proto.Clone(event),
	})
}

// disturb moves a shard to another node, or lets a node die: its log is sealed,
// and what it wrote behind that is void.
func (w *world) disturb() {
	if w.chance(0.7) {
		shard := w.random.IntN(w.shards)
		w.owner[shard] = w.random.IntN(w.nodes)
		w.epoch[shard]++
		return
	}
	dead := w.random.IntN(w.nodes)
	log := w.open[dead]
	if len(w.logs[log]) == 0 {
		return
	}
	last := w.logs[log][len(w.logs[log])-1].Record
	w.logs[log] = append(w.logs[log], line{Record: Record{Log: last.Log, Entry: last.Entry + 1, Seal: true, By: "another"}})
	if w.chance(0.5) {
		void := last
		void.Entry, void.Seq = last.Entry+2, last.Seq+1
		w.logs[log] = append(w.logs[log], line{Record: void, event: &journalv1.PlayerEvent{}})
		w.logs[log][len(w.logs[log])-1].Kind, w.logs[log][len(w.logs[log])-1].ID = playerKind, "ghost"
	}
	w.newLog(dead)
	for shard, node := range w.owner {
		if node == dead {
			w.owner[shard] = w.random.IntN(w.nodes)
			w.epoch[shard]++
		}
	}
}

func (w *world) sku(i int) string { return fmt.Sprintf("sku%d", i) }
func (w *world) at() int64        { return w.begin.Add(w.now).UnixNano() }

func (w *world) op(op Op) { w.ops = append(w.ops, op) }

func (w *world) prepare() {
	for i := range w.skus {
		for j := range w.slices {
			units := w.size.stock / int64(w.slices)
			if j == 0 {
				units += w.size.stock % int64(w.slices)
			}
			id := fmt.Sprintf("%s/%d", w.sku(i), j)
			w.now += time.Microsecond
			w.stock[id] = &madeSlice{initial: units, free: units, told: make(map[string]uint64)}
			w.append(stockKind, id, &journalv1.StockEvent{Change: &journalv1.StockEvent_Restocked{Restocked: &journalv1.StockRestocked{
				Id: "initial", Quantity: units, Initial: true, At: w.at(),
			}}})
		}
		w.op(Op{Kind: Stock, SKU: w.sku(i), Quantity: w.size.stock, Price: unitPrice, Invoke: w.now - time.Microsecond*time.Duration(w.slices), Return: w.now + 1, Outcome: OK})
	}
	for i := range w.players {
		name := fmt.Sprintf("player%d", i)
		w.now += time.Microsecond
		m := &madeWallet{balance: startMoney, granted: make(map[string]int64)}
		w.wallet[name] = m
		m.balance += giftMoney
		w.playerEvent(name, &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Granted{Granted: &journalv1.MoneyGranted{
			Id: "bench", Currency: "gold", Amount: giftMoney, At: w.at(),
		}}})
		w.op(Op{Kind: Grant, Client: name, Amount: giftMoney, Invoke: w.now - 500, Return: w.now + 500, Outcome: OK})
	}
	w.now += time.Millisecond
}

// playerEvent appends an event of a player with what every event takes along.
func (w *world) playerEvent(name string, e *journalv1.PlayerEvent) {
	m := w.wallet[name]
	if !m.opened {
		m.opened = true
		e.Opening = &journalv1.PlayerOpening{Wallet: []*journalv1.Amount{{Currency: "gold", Amount: startMoney}}}
	}
	e.Acknowledged = slices.Clone(m.acked)
	m.recorded = append(m.recorded, m.acked...)
	m.acked = nil
	if e.GetCompleted() != nil && w.chance(0.1) {
		e.Watermark = m.forget()
	}
	w.append(playerKind, name, e)
}

// planned is an operation that will take effect.
type planned struct {
	at time.Duration
	do func()
}

// run plans all operations, and lets them take effect one after the other.
func (w *world) run() {
	var plan []planned
	base := w.now
	for i := range w.players {
		name := fmt.Sprintf("player%d", i)
		lanes := make([]time.Duration, w.outstanding)
		for n := range w.purchases {
			lane := w.random.IntN(w.outstanding)
			invoke := base + lanes[lane] + w.span(2000)
			effect := invoke + w.span(1000)
			settled := effect + w.span(1000)
			lanes[lane] = settled - base
			request := uint64(n + 1)
			plan = append(plan, planned{at: effect, do: func() { w.buy(name, request, invoke, effect, settled) }})
		}
		for range w.reads {
			invoke := base + w.span(w.purchases*1500)
			effect := invoke + w.span(500)
			settled := effect + w.span(500)
			plan = append(plan, planned{at: effect, do: func() {
				w.op(Op{Kind: Read, Client: name, Invoke: invoke, Return: settled, Outcome: OK, Balance: w.wallet[name].balance})
			}})
		}
	}
	for range w.players * w.purchases / 40 {
		at := base + w.span(w.purchases*1500)
		plan = append(plan, planned{at: at, do: w.disturb})
		for range 4 {
			plan = append(plan, planned{at: base + w.span(w.purchases*1500), do: w.lend})
		}
	}
	slices.SortStableFunc(plan, func(a, b planned) int { return cmp.Compare(a.at, b.at) })
	for _, p := range plan {
		w.now = max(w.now, p.at)
		p.do()
	}
}

// span is a time of 1 µs to so many.
func (w *world) span(upTo int) time.Duration {
	return time.Duration(1+w.random.IntN(upTo)) * time.Microsecond
}

// buy lets one purchase take effect now, and says what its client saw.
func (w *world) buy(name string, request uint64, invoke, effect, settled time.Duration) {
	sku := w.sku(w.random.IntN(w.skus))
	quantity := int64(1)
	if !w.sameQuantity {
		quantity += w.random.Int64N(2)
	}
	op := Op{Kind: Buy, Client: name, SKU: sku, Request: request, Quantity: quantity, Invoke: invoke, Return: settled, Outcome: Unknown}
	unknown := w.chance(w.unknown)
	if unknown && w.chance(0.5) {
		w.op(op) // never took effect
		return
	}
	if w.chance(w.lost) { // the first answer was lost, or it was refused in between
		first := op
		first.Return = invoke + (settled-invoke)/2
		if w.chance(0.5) {
			first.Code = clientv1.Code_CODE_OVERLOADED
		}
		w.op(first)
		op.Invoke = first.Return + 1
	}
	if w.complete(&op) {
		op.Outcome = OK
	} else {
		op.Outcome, op.Code = Refused, clientv1.Code_CODE_SOLD_OUT
	}
	if unknown {
		op.Outcome, op.Code, op.Price, op.Balance = Unknown, 0, 0, 0
	}
	w.op(op)
	if !unknown && w.chance(w.again) {
		op.Invoke, op.Return = settled+w.span(100), settled+w.span(100)+200*time.Microsecond
		w.op(op)
	}
}

// complete makes the purchase, or declines it.
func (w *world) complete(op *Op) bool {
	m := w.wallet[op.Client]
	id := w.find(op.SKU, op.Quantity)
	if id == "" {
		w.playerEvent(op.Client, &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Declined{Declined: &journalv1.PurchaseDeclined{
			Request: op.Request, Contents: proto.Uint64(1), Sku: op.SKU, Quantity: op.Quantity, Code: int32(clientv1.Code_CODE_SOLD_OUT), At: w.at(),
		}}})
		m.recorded = append(m.recorded, op.Request)
		return false
	}
	if w.chance(0.05) { // it had reserved elsewhere before a crash
		if other := w.find(op.SKU, op.Quantity); other != id {
			w.reserve(other, op)
			defer w.release(other, op, clusterv1.HoldOutcome_HOLD_OUTCOME_COMPLETED_ELSEWHERE)
		}
	}
	w.reserve(id, op)
	op.Price = unitPrice * op.Quantity
	m.balance -= op.Price
	op.Balance = m.balance
	m.spent += op.Price
	m.completed++
	m.digest += xxhash.Sum64String(orderName(op.Client, op.Request))
	m.granted[op.SKU] += op.Quantity
	e := &journalv1.PlayerEvent{Change: &journalv1.PlayerEvent_Completed{Completed: &journalv1.PurchaseCompleted{
		Request: op.Request, Contents: 1, Sku: op.SKU, Slice: index(id), Quantity: op.Quantity, Price: op.Price, Currency: "gold", At: w.at(),
	}}}
	w.playerEvent(op.Client, e)
	m.unconfirmed = append(m.unconfirmed, madeOrder{op.Request, id, op.Quantity})
	if w.chance(0.3) {
		w.confirm(op.Client)
	}
	return true
}

// forget returns the highest number up to which every order may be forgotten.
func (m *madeWallet) forget() uint64 {
	slices.Sort(m.recorded)
	high := m.watermark
	for _, n := range m.recorded {
		if n == high+1 {
			high = n
		}
	}
	if high == m.watermark {
		return 0
	}
	m.watermark = high
	m.recorded = slices.DeleteFunc(m.recorded, func(n uint64) bool { return n <= high })
	return high
}

func index(id string) (i uint32) {
	_, _ = fmt.Sscanf(id[len(id)-1:], "%d", &i)
	return i
}

// find returns a slice that has enough, "" if there is none.
func (w *world) find(sku string, quantity int64) string {
	start := w.random.IntN(w.slices)
	for i := range w.slices {
		id := fmt.Sprintf("%s/%d", sku, (start+i)%w.slices)
		if w.stock[id].free >= quantity {
			return id
		}
	}
	return ""
}

func (w *world) reserve(id string, op *Op) {
	s := w.stock[id]
	e := &journalv1.StockReserved{Player: op.Client, Request: op.Request, Quantity: op.Quantity, At: w.at()}
	if w.chance(0.5) {
		e.Sold = w.sell(op.Client, id)
	}
	s.free -= op.Quantity
	s.held += op.Quantity
	if m := w.wallet[op.Client]; m.watermark > s.told[op.Client] && w.chance(0.5) {
		e.Watermark, s.told[op.Client] = m.watermark, m.watermark
	}
	w.append(stockKind, id, &journalv1.StockEvent{Change: &journalv1.StockEvent_Reserved{Reserved: e}})
}

// sell books what a player has not confirmed to a slice.
func (w *world) sell(player, id string) (requests []uint64) {
	m := w.wallet[player]
	m.unconfirmed = slices.DeleteFunc(m.unconfirmed, func(o madeOrder) bool {
		if o.slice != id {
			return false
		}
		requests = append(requests, o.request)
		w.stock[id].held -= o.quantity
		w.stock[id].sold += o.quantity
		return true
	})
	m.acked = append(m.acked, requests...)
	return requests
}

// confirm has all slices book what a player has not confirmed.
func (w *world) confirm(player string) {
	for len(w.wallet[player].unconfirmed) > 0 {
		id := w.wallet[player].unconfirmed[0].slice
		requests := w.sell(player, id)
		w.append(stockKind, id, &journalv1.StockEvent{Change: &journalv1.StockEvent_Sold{Sold: &journalv1.StockSold{Player: player, Requests: requests}}})
	}
}

func (w *world) release(id string, op *Op, why clusterv1.HoldOutcome) {
	w.stock[id].held -= op.Quantity
	w.stock[id].free += op.Quantity
	w.append(stockKind, id, &journalv1.StockEvent{Change: &journalv1.StockEvent_Released{Released: &journalv1.StockReleased{
		Player: op.Client, Request: op.Request, Outcome: int32(why),
	}}})
}

// lend moves units from one slice to another.
func (w *world) lend() {
	sku := w.sku(w.random.IntN(w.skus))
	from, to := w.random.IntN(w.slices), w.random.IntN(w.slices)
	giver, taker := fmt.Sprintf("%s/%d", sku, from), fmt.Sprintf("%s/%d", sku, to)
	half := w.stock[giver].free / 2
	if from == to || half == 0 {
		return
	}
	w.lent[giver+taker]++
	n := w.lent[giver+taker]
	w.stock[giver].free -= half
	w.stock[giver].lent += half
	w.stock[taker].free += half
	w.stock[taker].received += half
	w.append(stockKind, giver, &journalv1.StockEvent{Change: &journalv1.StockEvent_Lent{Lent: &journalv1.StockLent{To: uint32(to), Number: n, Quantity: half, At: w.at()}}})
	w.append(stockKind, taker, &journalv1.StockEvent{Change: &journalv1.StockEvent_Received{Received: &journalv1.StockReceived{From: uint32(from), Number: n, Quantity: half}}})
	w.append(stockKind, giver, &journalv1.StockEvent{Change: &journalv1.StockEvent_Delivered{Delivered: &journalv1.StockDelivered{To: uint32(to), Number: n}}})
}

// settle confirms what is left, and takes the books.
func (w *world) settle() {
	a := make(map[string]int64)
	for i := range w.players {
		name := fmt.Sprintf("player%d", i)
		m := w.wallet[name]
		w.confirm(name)
		if len(m.acked) > 0 {
			w.playerEvent(name, &journalv1.PlayerEvent{})
		}
		for sku, units := range m.granted {
			a["player/"+sku+"/granted"] += units
		}
		a["player/spent/gold"] += m.spent
		a["player/priced/gold"] += m.spent
		a["player/orders/completed"] += m.completed
		a["player/orders/digest"] += int64(m.digest)
	}
	for id, s := range w.stock {
		at := "stock/" + id[:len(id)-2] + "/"
		a[at+"initial"] += s.initial
		a[at+"free"] += s.free
		a[at+"held"] += s.held
		a[at+"sold"] += s.sold
		a[at+"lent"] += s.lent
		a[at+"received"] += s.received
	}
	w.books = Books{Accounts: a, Settled: true}
}

// write puts the world into a folder, as a run would have left it.
func (w *world) write(t testing.TB) (dir string) {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	dir = r.Dir()
	// The recorder's clock is not the made-up one.
	if _, err := r.file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	r.out.Reset(r.file)
	if err := json.NewEncoder(r.out).Encode(header{Format: format, Begin: w.begin}); err != nil {
		t.Fatal(err)
	}
	ops := slices.Clone(w.ops)
	slices.SortStableFunc(ops, func(a, b Op) int { return cmp.Compare(a.Return, b.Return) })
	for i := range ops {
		r.Add(&ops[i])
	}
	if err := r.PutBooks(w.books); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, LogFile))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	for _, log := range w.logs {
		for i := range log {
			if _, err := out.Write(log[i].encode(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// encode writes a line as `holdfast log dump` does.
func (l *line) encode(t testing.TB) []byte {
	t.Helper()
	if l.Seal {
		return fmt.Appendf(nil, `{"log":%q,"entry":%d,"seal":true,"by":%q}`+"\n", l.Log, l.Entry, l.By)
	}
	event, err := protojson.Marshal(l.event)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"log":%q,"entry":%d,"incarnation":%q,"kind":%q,"id":%q,"seq":%d,"shard":%d,"epoch":%d,"type":%q,"event":%s}`+"\n",
		l.Log, l.Entry, l.Incarnation, l.Kind, l.ID, l.Seq, l.Shard, l.Epoch, l.event.ProtoReflect().Descriptor().Name(), event)
}

// judge checks the world.
func (w *world) judge(t testing.TB) *Report {
	t.Helper()
	r, err := Check(t.Context(), w.write(t), Options{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
