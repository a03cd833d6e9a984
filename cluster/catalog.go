package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// MaxSlices is the most slices the stock of one product can have: more than a
// cluster has use for, and few enough to ask each of them.
const MaxSlices = 1024

// Catalog is what is for sale, as of one revision. It is immutable, and so are
// the products it returns.
type Catalog struct {
	rev    int64
	bySKU  map[string]*clusterv1.Product
	sorted []*clusterv1.Product
}

// Product returns the product of that SKU.
func (c *Catalog) Product(sku string) (*clusterv1.Product, bool) {
	p, ok := c.bySKU[sku]
	return p, ok
}

// Version grows with every change: the revision of etcd that made it.
func (c *Catalog) Version() int64 { return c.rev }

// Len is the number of products.
func (c *Catalog) Len() int { return len(c.sorted) }

// List returns all products by SKU. The caller must not change the slice.
func (c *Catalog) List() []*clusterv1.Product { return c.sorted }

// Range yields the products whose SKU begins with prefix, by SKU.
func (c *Catalog) Range(prefix string) iter.Seq[*clusterv1.Product] {
	return func(yield func(*clusterv1.Product) bool) {
		i, _ := slices.BinarySearchFunc(c.sorted, prefix, bySKU)
		for ; i < len(c.sorted) && strings.HasPrefix(c.sorted[i].GetSku(), prefix); i++ {
			if !yield(c.sorted[i]) {
				return
			}
		}
	}
}

func bySKU(p *clusterv1.Product, sku string) int { return strings.Compare(p.GetSku(), sku) }

func (c *Catalog) apply(rev int64, cs []change, log *slog.Logger) *Catalog {
	next := &Catalog{rev: rev, bySKU: maps.Clone(c.bySKU)}
	if next.bySKU == nil {
		next.bySKU = make(map[string]*clusterv1.Product, len(cs))
	}
	for _, ch := range cs {
		delete(next.bySKU, ch.name)
		if ch.deleted {
			continue
		}
		p := new(clusterv1.Product)
		err := decode(ch.value, p)
		if err == nil && p.GetSku() != ch.name {
			err = fmt.Errorf("it holds product %q", p.GetSku())
		}
		if err != nil {
			skip(log, dirCatalog, ch, err)
			continue
		}
		next.bySKU[ch.name] = p
	}
	next.sorted = slices.SortedFunc(maps.Values(next.bySKU), func(a, b *clusterv1.Product) int {
		return strings.Compare(a.GetSku(), b.GetSku())
	})
	return next
}

// ErrInvalidProduct: the product cannot be put into the catalog as it is.
var ErrInvalidProduct = errors.New("invalid product")

// PutProduct creates or changes a product. The number of its slices cannot
// change: units are in them.
func (v *View) PutProduct(ctx context.Context, p *clusterv1.Product) error {
	if err := validateProduct(p); err != nil {
		return fmt.Errorf("put product %q: %w: %w", p.GetSku(), ErrInvalidProduct, err)
	}
	key := v.keys.product(p.GetSku())
	for {
		resp, err := v.client.Get(ctx, key)
		if err != nil {
			return unavailable("put product "+p.GetSku(), err)
		}
		var rev int64
		if len(resp.Kvs) > 0 {
			rev = resp.Kvs[0].ModRevision
			var old clusterv1.Product
			if err := decode(resp.Kvs[0].Value, &old); err != nil {
				return fmt.Errorf("put product %q: read the present one: %w", p.GetSku(), err)
			}
			if old.GetSlices() != p.GetSlices() {
				return fmt.Errorf("put product %q: %w: it has %d slices for good, not %d", p.GetSku(), ErrInvalidProduct, old.GetSlices(), p.GetSlices())
			}
			if proto.Equal(&old, p) {
				return nil
			}
		}
		txn, err := v.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", rev)).
			Then(clientv3.OpPut(key, encode(p))).
			Commit()
		if err != nil {
			return unavailable("put product "+p.GetSku(), err)
		}
		if txn.Succeeded {
			return nil
		}
		// Somebody changed it since it was read: look again.
	}
}

func validateProduct(p *clusterv1.Product) error {
	start, end := p.GetSaleStart(), p.GetSaleEnd()
	switch {
	case len(p.GetSku()) == 0 || len(p.GetSku()) > 128:
		return errors.New("sku: must have 1 to 128 bytes")
	case strings.ContainsFunc(p.GetSku(), func(r rune) bool { return r == '/' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return errors.New("sku: must be printable, without spaces or slashes")
	case !utf8.ValidString(p.GetTitle()) || len(p.GetTitle()) > 1024:
		return errors.New("title: must be UTF-8 of at most 1,024 bytes")
	case p.GetPrice() < 0:
		return errors.New("price: must not be negative")
	case p.GetPrice() > 0 && p.GetCurrency() == "":
		return errors.New("currency: must be given with a price")
	case !utf8.ValidString(p.GetCurrency()) || len(p.GetCurrency()) > 32:
		return errors.New("currency: must be UTF-8 of at most 32 bytes")
	case p.GetSlices() == 0 || p.GetSlices() > MaxSlices:
		return fmt.Errorf("slices: %d, must be 1 to %d", p.GetSlices(), MaxSlices)
	case p.GetLimitPerPlayer() < 0:
		return errors.New("limit_per_player: must not be negative")
	case p.GetLowStock() < 0:
		return errors.New("low_stock: must not be negative")
	case start != nil && !start.IsValid(), end != nil && !end.IsValid():
		return errors.New("sale_start, sale_end: must be valid times")
	case start != nil && end != nil && !start.AsTime().Before(end.AsTime()):
		return errors.New("sale_end: must be after sale_start")
	}
	return nil
}
