package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

func yamlFile(t *testing.T, name, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadCatalog(t *testing.T) {
	goods, err := readCatalog(yamlFile(t, "catalog.yaml", `
sword.v2:
  title: Sword of dawn
  price: 250
  currency: gold
  stock: 10000
  slices: 4
  low_stock: 10
  limit_per_player: 2
  sale_start: 2026-11-27T09:00:00Z
  sale_end: "2026-11-28T09:00:00+01:00"
axe:
  stock: 3
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []product{
		{&clusterv1.Product{Sku: "axe"}, 3},
		{&clusterv1.Product{
			Sku: "sword.v2", Title: "Sword of dawn", Price: 250, Currency: "gold", Slices: 4, LowStock: 10, LimitPerPlayer: 2,
			SaleStart: timestamppb.New(time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)),
			SaleEnd:   timestamppb.New(time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)),
		}, 10000},
	}
	if len(goods) != len(want) {
		t.Fatalf("%d products, want %d", len(goods), len(want))
	}
	for i, g := range goods {
		if !proto.Equal(g.Product, want[i].Product) || g.stock != want[i].stock {
			t.Errorf("product %d: %v, %d units; want %v, %d", i, g.Product, g.stock, want[i].Product, want[i].stock)
		}
	}
}

func TestReadCatalogRefuses(t *testing.T) {
	for yaml, want := range map[string]string{
		"sword: 5":                  "map of fields",
		"sword: {prize: 5}":         "prize",
		"sword: {price: cheap}":     "price",
		"sword: {stock: -1}":        "stock",
		"sword: {stock: many}":      "stock",
		"sword: {sku: axe}":         "sku",
		"sword: {sale_end: sunday}": "sale_end",
		"sword: {slices: -1}":       "slices",
		"- sword":                   "catalog.yaml",
	} {
		_, err := readCatalog(yamlFile(t, "catalog.yaml", yaml))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "catalog.yaml") {
			t.Errorf("%s: error %v does not name the file and %q", yaml, err, want)
		}
	}
}
