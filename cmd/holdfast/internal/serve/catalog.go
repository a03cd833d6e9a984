package serve

import (
	"context"
	"fmt"
	"maps"

	"connectrpc.com/connect"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// product is one entry of a catalog file.
type product struct {
	*clusterv1.Product
	stock int64
}

// readCatalog reads a file of products, by SKU:
//
//	sword:
//	  title: Sword of dawn
//	  price: 250
//	  currency: gold
//	  stock: 10000
//
// The fields are those of proto/cluster/v1's Product, and stock.
func readCatalog(path string) ([]product, error) {
	return readEntries("catalog", path, readProduct)
}

func readProduct(sku string, fields map[string]any) (product, error) {
	p := product{Product: new(clusterv1.Product)}
	if stock, given := fields["stock"]; given {
		units, ok := stock.(int)
		if !ok || units < 0 {
			return product{}, fmt.Errorf("stock: %v, must be a whole number, not negative", stock)
		}
		p.stock = int64(units)
	}
	if _, given := fields["sku"]; given {
		return product{}, fmt.Errorf("sku: is the entry's name, not a field")
	}
	rest := maps.Clone(fields)
	delete(rest, "stock")
	if err := fill(p.Product, rest); err != nil {
		return product{}, err
	}
	p.Sku = sku
	return p, nil
}

// offer puts those products on offer that the cluster does not have. What it
// has may have been changed by operators since, and stays as it is; but if its
// first stock was not created to the end, it is now.
func (n *node) offer(ctx context.Context, goods []product) {
	for _, p := range goods {
		var err error
		if old, ok := n.backends.view.Catalog().Product(p.GetSku()); ok {
			err = n.adminService.CreateStock(ctx, old, p.stock)
		} else {
			req := connect.NewRequest(&adminv1.PutProductRequest{Product: p.Product, Stock: p.stock})
			_, err = n.adminService.PutProduct(ctx, req)
		}
		if err != nil && ctx.Err() == nil {
			n.logger.Error("a product is not on offer as it should be", "sku", p.GetSku(), "err", err)
		}
	}
}
