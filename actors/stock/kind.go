package stock

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// Names of the kind and its methods.
const (
	KindName      = "stock"
	MethodRestock = "Restock"
	MethodLevel   = "Level"
)

// BuyerKind is the kind of actor that slices sell to.
const BuyerKind = "player"

// MaxSlices is how many slices one product may have: more than that would not
// make a sale faster, but a search for the last unit longer.
const MaxSlices = 256

// Ref names a slice of a product's stock.
func Ref(sku actors.SKU, slice uint32) actors.Ref {
	return actors.Ref{Kind: KindName, ID: string(sku) + "/" + strconv.FormatUint(uint64(slice), 10)}
}

// ParseID takes the id of a slice apart.
func ParseID(id string) (actors.SKU, uint32, error) {
	at := strings.LastIndexByte(id, '/')
	if at <= 0 {
		return "", 0, fmt.Errorf("parse slice id %q: want <sku>/<slice>", id)
	}
	slice, err := strconv.ParseUint(id[at+1:], 10, 32)
	if err != nil || slice >= MaxSlices || id[at+1:] != strconv.FormatUint(slice, 10) {
		return "", 0, fmt.Errorf("parse slice id %q: %q is not a slice number below %d", id, id[at+1:], MaxSlices)
	}
	return actors.SKU(id[:at]), uint32(slice), nil
}

// Topic is where the levels of a product's slices are broadcast.
func Topic(sku actors.SKU) string { return "stock." + string(sku) }

// Kind returns the kind. cfg must be valid.
func Kind(cfg Config) actors.Kind {
	cfg = cfg.withDefaults()
	return actors.Kind{
		Name:  KindName,
		New:   func(id string) actors.Behaviour { return newSlice(&cfg, id) },
		Event: func() proto.Message { return new(journalv1.StockEvent) },
		State: func() proto.Message { return new(journalv1.StockState) },
		Methods: map[string]actors.Method{
			MethodRestock: {
				Request: func() proto.Message { return new(clusterv1.Restock) },
				Allow:   actors.Admin,
			},
			MethodLevel: {
				Request: func() proto.Message { return new(clusterv1.Level) },
				Allow:   actors.Anyone,
			},
		},
	}
}
