package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/figures"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// stock puts what the tape speaks of on sale, and makes the players able to pay.
func (r *run) stock(ctx context.Context) error {
	goods := r.survey.goods()
	if r.Stock > 0 && len(goods) > 0 {
		r.phase(fmt.Sprintf("Putting %s on sale", figures.Plural(len(goods), "product")))
		for _, p := range goods {
			_, err := r.rpc.PutProduct(ctx, connect.NewRequest(&adminv1.PutProductRequest{
				Product: &clusterv1.Product{
					Sku: p.GetSku(), Title: p.GetTitle(), Price: p.GetPrice(), Currency: p.GetCurrency(), LimitPerPlayer: p.GetLimitPerPlayer(),
				},
				Stock: r.Stock,
			}))
			if err != nil && connect.CodeOf(err) != connect.CodeInvalidArgument { // players may ask for what there cannot be
				return fmt.Errorf("put product %s on sale: %w", p.GetSku(), err)
			}
		}
	}
	if r.Balance > 0 {
		return r.grant(ctx)
	}
	return nil
}

// maxZonePlayers is the most that a zone takes.
const maxZonePlayers = 4000

// openZones makes the zones of the tape on a node of one's own.
func (r *run) openZones(ctx context.Context) error {
	if len(r.survey.zones) == 0 {
		return nil
	}
	r.phase("Opening " + figures.Plural(len(r.survey.zones), "zone"))
	for _, name := range slices.Sorted(maps.Keys(r.survey.zones)) {
		z := proto.CloneOf(r.survey.zones[name])
		if r.Scale > 1 || z.GetMaxPlayers() == 0 {
			z.MaxPlayers = maxZonePlayers
		}
		_, err := r.rpc.PutZone(ctx, connect.NewRequest(&adminv1.PutZoneRequest{Spec: &clusterv1.ZoneSpec{Zone: z}}))
		if err != nil && connect.CodeOf(err) != connect.CodeInvalidArgument { // players may ask for what there cannot be
			return fmt.Errorf("open zone %s: %w", name, err)
		}
	}
	return nil
}

// absent finds out what the tape speaks of and the cluster does not have, and says
// so at once: whoever has forgotten something need not wait for the end.
func (r *run) absent(ctx context.Context, b *books) error {
	var skus, zones []string
	for _, p := range r.survey.goods() {
		if !b.onSale[p.GetSku()] {
			skus = append(skus, p.GetSku())
		}
	}
	if len(r.survey.zones) > 0 {
		all, err := r.rpc.ListZones(ctx, connect.NewRequest(&adminv1.ListZonesRequest{OmitPlayers: true}))
		if err != nil {
			return fmt.Errorf("list zones: %w", err)
		}
		there := make(map[string]bool)
		for _, z := range all.Msg.GetZones() {
			there[z.GetSpec().GetZone().GetName()] = true
		}
		for _, name := range slices.Sorted(maps.Keys(r.survey.zones)) {
			if !there[name] {
				zones = append(zones, name)
			}
		}
	}
	r.miss(skus, len(r.survey.goods()), "product", "not on sale; --stock puts them on sale")
	r.miss(zones, len(r.survey.zones), "zone", "not there; holdfast ctl zone put makes them")
	return nil
}

// someMissing are named of what is missing.
const someMissing = 3

func (r *run) miss(names []string, of int, noun, what string) {
	if len(names) == 0 {
		return
	}
	shown := strings.Join(names[:min(len(names), someMissing)], ", ")
	if len(names) > someMissing {
		shown += ", …"
	}
	note := fmt.Sprintf("%d of %s on the tape: %s (%s).", len(names), figures.Plural(of, noun), what, shown)
	r.missing = append(r.missing, note)
	r.phase(note)
}

// zone takes down that a zone is spoken of. The answer to EnterZone says what it
// is like; without one it is as large as somebody wants to go.
func (s *survey) zone(name string) *clientv1.Zone {
	z := s.zones[name]
	if z == nil {
		z = &clientv1.Zone{Name: name, Width: anyZone, Height: anyZone}
		s.zones[name] = z
	}
	return z
}

const (
	// anyZone is the side of a zone of which the tape does not say how large it is.
	anyZone = 100
	// maxZone is the most that a side may have.
	maxZone = 10_000
)

// widen makes a zone large enough for a place, unless it is known how large it is.
func widen(z *clientv1.Zone, p *clientv1.Point) {
	if z.GetHz() > 0 {
		return
	}
	z.Width = min(max(z.GetWidth(), uint32(max(p.GetX(), 0))+1), maxZone)
	z.Height = min(max(z.GetHeight(), uint32(max(p.GetY(), 0))+1), maxZone)
}
