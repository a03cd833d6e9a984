package gateway

import (
	"iter"
	"sort"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Catalog is what is for sale at one moment, immutable.
type Catalog interface {
	// Version grows with every change.
	Version() int64
	Product(sku string) (*clusterv1.Product, bool)
	// Range yields the products whose SKU begins with prefix, by SKU.
	Range(prefix string) iter.Seq[*clusterv1.Product]
}

// What a catalog reply holds at most: enough for a shop's front page. A client
// that wants more asks by prefix.
const (
	maxCatalogProducts = 500
	maxCatalogBytes    = 64 << 10
)

// shelf is the catalog as clients see it. It is converted once per version, not
// once per request: everybody looks at it when a sale begins.
type shelf struct {
	catalog func() Catalog
	last    atomic.Pointer[display]
}

// display is one version of the catalog, converted. products and sizes go
// together.
type display struct {
	version  int64
	products []*clientv1.Product // by SKU
	sizes    []int               // encoded, in bytes
}

// list returns the products whose SKU begins with prefix, as many as fit.
func (s *shelf) list(prefix string) *clientv1.Catalog {
	d := s.display()
	from := sort.Search(len(d.products), func(i int) bool { return d.products[i].GetSku() >= prefix })
	to, bytes := from, 0
	for to < len(d.products) && strings.HasPrefix(d.products[to].GetSku(), prefix) {
		bytes += d.sizes[to]
		if to-from == maxCatalogProducts || bytes > maxCatalogBytes {
			return &clientv1.Catalog{Version: d.version, Products: d.products[from:to:to], Truncated: true}
		}
		to++
	}
	return &clientv1.Catalog{Version: d.version, Products: d.products[from:to:to]}
}

func (s *shelf) display() *display {
	c := s.catalog()
	if d := s.last.Load(); d != nil && d.version == c.Version() {
		return d
	}
	d := &display{version: c.Version()}
	for p := range c.Range("") {
		shown := &clientv1.Product{
			Sku:            p.GetSku(),
			Title:          p.GetTitle(),
			Price:          p.GetPrice(),
			Currency:       p.GetCurrency(),
			SaleStart:      p.GetSaleStart(),
			SaleEnd:        p.GetSaleEnd(),
			LimitPerPlayer: p.GetLimitPerPlayer(),
		}
		d.products = append(d.products, shown)
		d.sizes = append(d.sizes, proto.Size(shown))
	}
	s.last.Store(d)
	return d
}
