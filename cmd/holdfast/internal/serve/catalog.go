package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/knadh/koanf/parsers/yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	entries, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return nil, fmt.Errorf("read catalog %s: %w", path, err)
	}
	goods := make([]product, 0, len(entries))
	for _, sku := range slices.Sorted(maps.Keys(entries)) {
		p, err := readProduct(sku, entries[sku])
		if err != nil {
			return nil, fmt.Errorf("read catalog %s: %s: %w", path, sku, err)
		}
		goods = append(goods, p)
	}
	return goods, nil
}

func readProduct(sku string, entry any) (product, error) {
	fields, ok := entry.(map[string]any)
	if !ok {
		return product{}, fmt.Errorf("must be a map of fields, not %v", entry)
	}
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
func (n *node) offer(ctx context.Context) {
	for _, p := range n.goods {
		var err error
		if old, ok := n.backends.view.Catalog().Product(p.GetSku()); ok {
			err = n.adminService.CreateStock(ctx, old, p.stock)
		} else {
			req := connect.NewRequest(&adminv1.PutProductRequest{Product: p.Product, Stock: p.stock})
			_, err = n.adminService.PutProduct(ctx, req)
		}
		if err != nil && ctx.Err() == nil {
			n.logger.Error("a product of the catalog file is not on offer as it says", "sku", p.GetSku(), "err", err)
		}
	}
}

// fill sets a product's fields by their names in the proto file. One by one, so
// that what is wrong can be said with its name.
func fill(p *clusterv1.Product, fields map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		if at, ok := value.(time.Time); ok { // as YAML reads an RFC 3339 time
			value = at.Format(time.RFC3339Nano)
		}
		text, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var one clusterv1.Product
		if err := protojson.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		proto.Merge(p, &one)
	}
	return nil
}
