package stock

import (
	"math"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// maxUnits bounds what is ever put into one slice, so that no sum over the
// slices of a product overflows.
const maxUnits = math.MaxInt64 / (4 * MaxSlices)

// catalogLag is when to try again if the product is not known here yet: the
// catalog reaches every node by a watch.
const catalogLag = 200 * time.Millisecond

// decideRestock adds units for an operator, once per id.
func (s *slice) decideRestock(env *actors.Env, msg *actors.Message, m *clusterv1.Restock, out *actors.Decision) error {
	switch {
	case m.GetId() == "" || len(m.GetId()) > requests.MaxIDLength:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "id: 1 to %d bytes", requests.MaxIDLength)
	case m.GetQuantity() <= 0 || m.GetQuantity() > maxUnits:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "quantity: %d, must be 1 to %d", m.GetQuantity(), int64(maxUnits))
	}
	contents := restockContents(m)
	switch free, known, err := s.restocks.Look(m.GetId(), contents); {
	case err != nil:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "%v", err)
	case known:
		out.Reply(msg.ReplyTo, &clusterv1.Restocked{Free: free})
		return nil
	}
	p, ok := s.cfg.Catalog.Product(s.sku)
	switch {
	case !ok:
		return &actors.Refusal{Code: clientv1.Code_CODE_UNAVAILABLE, Text: "product is not known here yet", RetryAfter: catalogLag}
	case s.index >= p.GetSlices():
		return actors.Refusef(clientv1.Code_CODE_NOT_FOUND, "product %s has %d slices", s.sku, p.GetSlices())
	case s.initial+s.restocked > maxUnits-m.GetQuantity():
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "quantity: a slice takes %d units in all", int64(maxUnits))
	}
	forget, retry, ok := s.restocks.Room(env.Now, s.cfg.Restocks)
	if !ok {
		return &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many restocks to remember", RetryAfter: retry}
	}
	out.Event(&journalv1.StockEvent{Change: &journalv1.StockEvent_Restocked{Restocked: &journalv1.StockRestocked{
		Id: m.GetId(), Contents: contents, Quantity: m.GetQuantity(), Initial: m.GetInitial(),
		At: env.Now.UnixNano(), Forgotten: forget,
	}}})
	out.Reply(msg.ReplyTo, &clusterv1.Restocked{Free: s.free + m.GetQuantity()})
	s.tellRefilled(env.Now, out)
	return nil
}

func restockContents(m *clusterv1.Restock) uint64 {
	d := requests.NewDigest()
	d.Int(m.GetQuantity())
	if m.GetInitial() {
		d.Int(1)
	}
	return d.Sum()
}

func (s *slice) applyRestocked(e *journalv1.StockRestocked) error {
	s.free += e.GetQuantity()
	if e.GetInitial() {
		s.initial += e.GetQuantity()
	} else {
		s.restocked += e.GetQuantity()
	}
	return s.restocks.Add(e.GetId(), e.GetContents(), s.free, e.GetAt(), e.GetForgotten())
}
