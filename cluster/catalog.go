package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// MaxSlices is the most slices the stock of one product can have: more than a
// cluster has use for, and few enough to ask each of them.
const MaxSlices = 1024

// Catalog is what is for sale, as of one revision. It is immutable, and so are
// the products it returns.
type Catalog struct {
	rev      int64
	products named[*clusterv1.Product]
}

// Product returns the product of that SKU.
func (c *Catalog) Product(sku string) (*clusterv1.Product, bool) {
	p, ok := c.products.byName[sku]
	return p, ok
}

// Version grows with every change: the revision of etcd that made it.
func (c *Catalog) Version() int64 { return c.rev }

// Len is the number of products.
func (c *Catalog) Len() int { return len(c.products.sorted) }

// List returns all products by SKU. The caller must not change the slice.
func (c *Catalog) List() []*clusterv1.Product { return c.products.sorted }

// Range yields the products whose SKU begins with prefix, by SKU.
func (c *Catalog) Range(prefix string) iter.Seq[*clusterv1.Product] {
	return func(yield func(*clusterv1.Product) bool) {
		sorted := c.products.sorted
		i, _ := slices.BinarySearchFunc(sorted, prefix, bySKU)
		for ; i < len(sorted) && strings.HasPrefix(sorted[i].GetSku(), prefix); i++ {
			if !yield(sorted[i]) {
				return
			}
		}
	}
}

func bySKU(p *clusterv1.Product, sku string) int { return strings.Compare(p.GetSku(), sku) }

func (c *Catalog) apply(rev int64, cs []change, log *slog.Logger) *Catalog {
	return &Catalog{rev: rev, products: c.products.apply(dirCatalog, (*clusterv1.Product).GetSku, cs, log)}
}

// ErrInvalidProduct: the product cannot be put into the catalog as it is.
var ErrInvalidProduct = errors.New("invalid product")

// PutProduct creates or changes a product. The number of its slices cannot
// change: units are in them.
func (v *View) PutProduct(ctx context.Context, p *clusterv1.Product) error {
	if err := validateProduct(p); err != nil {
		return fmt.Errorf("put product %q: %w: %w", p.GetSku(), ErrInvalidProduct, err)
	}
	return put(ctx, v, "put product "+p.GetSku(), v.keys.product(p.GetSku()), p, func(old *clusterv1.Product) error {
		if old.GetSlices() != p.GetSlices() {
			return fmt.Errorf("put product %q: %w: it has %d slices for good, not %d", p.GetSku(), ErrInvalidProduct, old.GetSlices(), p.GetSlices())
		}
		return nil
	})
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
