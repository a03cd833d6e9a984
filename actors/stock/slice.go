package stock

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// slice is one slice of a product's stock.
type slice struct {
	cfg   *Config
	sku   actors.SKU
	index uint32
	bad   error // the id cannot be that of a slice: nothing is here

	// Journaled.
	initial, restocked, received, lent int64
	free, held, sold                   int64
	buyers                             []*buyer
	byPlayer                           map[string]*buyer
	holds                              queue
	siblings                           []sibling // by slice number; partly volatile
	restocks                           requests.IDs

	// Derived: transfers that are not acknowledged.
	underWay int

	// Volatile.
	level     level
	borrowing borrowing
	askedAt   int64 // when players were asked last

	// Used over and over by Decide, whose results the host does not keep.
	event   journalv1.StockEvent
	change  change
	spare   *hold
	scratch scratch
}

// scratch holds the parts that events are put together from.
type scratch struct {
	reserved journalv1.StockReserved
	sold     journalv1.StockSold
	inner    struct {
		reserved journalv1.StockEvent_Reserved
		sold     journalv1.StockEvent_Sold
	}
}

func newSlice(cfg *Config, id string) *slice {
	s := &slice{cfg: cfg, byPlayer: make(map[string]*buyer)}
	s.sku, s.index, s.bad = ParseID(id)
	return s
}

// Decide implements actors.Behaviour.
func (s *slice) Decide(env *actors.Env, msg *actors.Message, out *actors.Decision) error {
	if s.bad != nil {
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "%v", s.bad)
	}
	s.change = change{}
	out.Volatile = &s.change
	if msg.Timer {
		return s.decideTimer(env, out)
	}
	switch body := msg.Body.(type) {
	case *clusterv1.Reserve:
		return s.decideReserve(env, msg.From, body, out)
	case *clusterv1.Confirm:
		return s.decideConfirm(msg.From, body, out)
	case *clusterv1.HoldVerdict:
		return s.decideVerdict(env, msg.From, body, out)
	case *clusterv1.Borrow:
		return s.decideBorrow(env, msg.From, out)
	case *clusterv1.Dry:
		return s.decideDry(env, msg.From, body)
	case *clusterv1.Refilled:
		return s.decideRefilled(msg.From)
	case *clusterv1.Transfer:
		return s.decideTransfer(env, msg.From, body, out)
	case *clusterv1.TransferAck:
		return s.decideTransferAck(msg.From, body, out)
	case *clusterv1.Restock:
		return s.decideRestock(env, msg, body, out)
	case *clusterv1.Level:
		return s.decideLevel(msg, out)
	}
	return fmt.Errorf("slice %s: unexpected message %T", s.ref(), msg.Body)
}

// Apply implements actors.Behaviour.
func (s *slice) Apply(event proto.Message) error {
	e, ok := event.(*journalv1.StockEvent)
	if !ok {
		return fmt.Errorf("apply %T to slice %s: not an event of this kind", event, s.ref())
	}
	var err error
	switch c := e.GetChange().(type) {
	case *journalv1.StockEvent_Reserved:
		err = s.applyReserved(c.Reserved)
	case *journalv1.StockEvent_Sold:
		err = s.applySold(c.Sold)
	case *journalv1.StockEvent_Released:
		err = s.applyReleased(c.Released)
	case *journalv1.StockEvent_Restocked:
		err = s.applyRestocked(c.Restocked)
	case *journalv1.StockEvent_Lent:
		err = s.applyLent(c.Lent)
	case *journalv1.StockEvent_Received:
		err = s.applyReceived(c.Received)
	case *journalv1.StockEvent_Delivered:
		err = s.applyDelivered(c.Delivered)
	default:
		err = fmt.Errorf("unknown change %T", c)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return fmt.Errorf("apply to slice %s: %w", s.ref(), err)
	}
	s.level.touched()
	return nil
}

// check fails when the books do not balance.
func (s *slice) check() error {
	switch {
	case s.free < 0:
		return fmt.Errorf("books: %d free", s.free)
	case s.held < 0:
		return fmt.Errorf("books: %d held", s.held)
	case s.free+s.held+s.sold != s.initial+s.restocked+s.received-s.lent:
		return fmt.Errorf("books: free %d + held %d + sold %d is not initial %d + restocked %d + received %d - lent %d",
			s.free, s.held, s.sold, s.initial, s.restocked, s.received, s.lent)
	}
	return nil
}

// buyer returns the player's record, adding one if there is none.
func (s *slice) buyer(player string) *buyer {
	if b := s.byPlayer[player]; b != nil {
		return b
	}
	b := &buyer{player: player, at: len(s.buyers)}
	s.buyers = append(s.buyers, b)
	s.byPlayer[player] = b
	return b
}

// forgetIfIdle drops a buyer of whom there is nothing left to know. Should a
// copy of an old Reserve still come, it makes a hold that the player, who has
// closed the order, lets go.
func (s *slice) forgetIfIdle(b *buyer) {
	if len(b.sold) > 0 || len(b.holds) > 0 {
		return
	}
	last := s.buyers[len(s.buyers)-1]
	s.buyers[b.at], last.at = last, b.at
	s.buyers[len(s.buyers)-1] = nil
	s.buyers = s.buyers[:len(s.buyers)-1]
	delete(s.byPlayer, b.player)
}

func (s *slice) ref() actors.Ref { return Ref(s.sku, s.index) }

// slices returns how many slices the product has, 0 if it is not known here.
func (s *slice) slices() uint32 {
	p, ok := s.cfg.Catalog.Product(s.sku)
	if !ok {
		return 0
	}
	return min(p.GetSlices(), MaxSlices)
}

// Accounts implements actors.Accountant.
func (s *slice) Accounts(add func(account string, amount int64)) {
	prefix := "stock/" + string(s.sku) + "/"
	add(prefix+"initial", s.initial)
	add(prefix+"restocked", s.restocked)
	add(prefix+"received", s.received)
	add(prefix+"lent", s.lent)
	add(prefix+"free", s.free)
	add(prefix+"held", s.held)
	add(prefix+"sold", s.sold)
}

// passed says whether a moment in Unix nanoseconds has come. Timers may run
// early by a rounding of the host's.
func passed(now time.Time, at int64) bool {
	return now.UnixNano()+int64(time.Millisecond) > at
}
