package admin

import (
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/stock"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// initialID is the id of the restocking that creates a product's stock.
	initialID = "initial"

	// A product's stock is spread over this many slices, if it has at least so
	// many units for each. Slices let several shards and nodes sell at once;
	// those with little in them only make the search for the last unit longer.
	usualSlices   = 16
	unitsPerSlice = 64

	// maxSKU bounds a SKU in bytes: orders keep it.
	maxSKU = 64

	// parallel bounds the slices, or shards, asked at a time.
	parallel = 16
)

// reservedSKUs are words that stand where the SKU does in other accounts.
var reservedSKUs = []string{accountSpent, accountPriced, accountOrders}

// PutProduct creates or changes a product, and creates its stock.
func (s *Service) PutProduct(ctx context.Context, req *connect.Request[adminv1.PutProductRequest]) (*connect.Response[adminv1.PutProductResponse], error) {
	if req.Msg.GetProduct() == nil {
		return nil, invalid("product: must be given")
	}
	p, units := proto.CloneOf(req.Msg.GetProduct()), req.Msg.GetStock()
	sku := p.GetSku()
	if units < 0 {
		return nil, invalid("put product %q: stock: %d, must not be negative", sku, units)
	}
	if len(sku) > maxSKU || slices.Contains(reservedSKUs, sku) {
		return nil, invalid("put product %.80q: sku: must have at most %d bytes and not be one of %q", sku, maxSKU, reservedSKUs)
	}
	if p.GetSlices() == 0 {
		p.Slices = s.slicesFor(sku, units)
	}
	if p.GetSlices() > stock.MaxSlices {
		return nil, invalid("put product %q: slices: %d, must be at most %d", sku, p.GetSlices(), stock.MaxSlices)
	}
	if err := s.view.PutProduct(ctx, p); err != nil {
		return nil, ofCluster(err)
	}
	if err := s.CreateStock(ctx, p, units); err != nil {
		return nil, err
	}
	return connect.NewResponse(&adminv1.PutProductResponse{Product: p}), nil
}

// CreateStock fills the slices of a product that is on offer with its first
// stock. Calling again, with the same number of units, completes what an earlier
// call has left undone.
func (s *Service) CreateStock(ctx context.Context, p *clusterv1.Product, units int64) error {
	if units == 0 {
		return nil
	}
	if err := s.restock(ctx, p, initialID, units); err != nil {
		return wrap(err, "create the stock of product %q", p.GetSku())
	}
	return nil
}

// slicesFor chooses the slices of a product that was given none.
func (s *Service) slicesFor(sku string, units int64) uint32 {
	if old, ok := s.view.Catalog().Product(sku); ok {
		return old.GetSlices()
	}
	return uint32(min(max(units/unitsPerSlice, 1), usualSlices))
}

// Restock adds units to a product.
func (s *Service) Restock(ctx context.Context, req *connect.Request[adminv1.RestockRequest]) (*connect.Response[adminv1.RestockResponse], error) {
	m := req.Msg
	p, ok := s.view.Catalog().Product(m.GetSku())
	switch {
	case !ok:
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("restock: there is no product %q", m.GetSku()))
	case m.GetId() == "" || m.GetId() == initialID:
		return nil, invalid("restock %q: id: %q, must not be empty, nor %q", m.GetSku(), m.GetId(), initialID)
	case m.GetQuantity() <= 0:
		return nil, invalid("restock %q: quantity: %d, must be positive", m.GetSku(), m.GetQuantity())
	}
	if err := s.restock(ctx, p, m.GetId(), m.GetQuantity()); err != nil {
		return nil, wrap(err, "restock %q", m.GetSku())
	}
	return connect.NewResponse(&adminv1.RestockResponse{}), nil
}

// restock spreads units over all slices of a product. Each slice remembers the
// id, so that a call repeated after half of them were reached completes it.
func (s *Service) restock(ctx context.Context, p *clusterv1.Product, id string, units int64) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for slice, share := range shares(units, int64(p.GetSlices()), id) {
		if share == 0 {
			continue
		}
		g.Go(func() error {
			to := cluster.ActorID(stock.Ref(actors.SKU(p.GetSku()), uint32(slice)))
			m := &clusterv1.Restock{Id: id, Quantity: share, Initial: id == initialID}
			return s.call(ctx, to, stock.MethodRestock, m, new(clusterv1.Restocked))
		})
	}
	return g.Wait()
}

// shares splits units into n parts that differ by one at most. Where the larger
// ones begin depends on the id alone, so that small amounts do not all go to the
// first slice, and a repeated call splits alike.
func shares(units, n int64, id string) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = units / n
	}
	first := xxhash.Sum64String(id) % uint64(n)
	for i := range units % n {
		out[(first+uint64(i))%uint64(n)]++
	}
	return out
}
