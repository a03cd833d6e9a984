package admin

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/actors/zone"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// zonePatience bounds how long zones may take to say who is in them: the list
// is worth more than its last column.
const zonePatience = time.Second

func zoneActor(name string) cluster.ActorID { return cluster.ActorID(zone.Ref(name)) }

// PutZone makes a zone or changes it: first on paper, so that whoever reads of a
// zone that does not run knows what is missing, then the zone itself.
func (s *Service) PutZone(ctx context.Context, req *connect.Request[adminv1.PutZoneRequest]) (*connect.Response[adminv1.PutZoneResponse], error) {
	spec, err := s.view.PutZone(ctx, req.Msg.GetSpec())
	if err != nil {
		return nil, ofCluster(err)
	}
	if err := s.openZone(ctx, spec); err != nil {
		return nil, err
	}
	return connect.NewResponse(&adminv1.PutZoneResponse{Spec: spec}), nil
}

// RunZone opens a zone that is on paper unless it runs already.
func (s *Service) RunZone(ctx context.Context, spec *clusterv1.ZoneSpec) error {
	name := spec.GetZone().GetName()
	_, err := s.askWho(ctx, name)
	switch {
	case err == nil:
		return nil
	case connect.CodeOf(err) != connect.CodeNotFound:
		return wrap(err, "look at zone %q", name)
	}
	return s.openZone(ctx, spec)
}

func (s *Service) openZone(ctx context.Context, spec *clusterv1.ZoneSpec) error {
	name := spec.GetZone().GetName()
	err := s.call(ctx, zoneActor(name), zone.MethodOpen, &clusterv1.OpenZone{Spec: spec}, new(clusterv1.ZoneOpened))
	if err != nil {
		return wrap(err, "open zone %q", name)
	}
	return nil
}

// askWho returns how many players are in a zone.
func (s *Service) askWho(ctx context.Context, name string) (uint32, error) {
	var who clientv1.Present
	err := s.call(ctx, zoneActor(name), zone.MethodWho, &clientv1.Who{Channel: zone.KindName + "/" + name}, &who)
	return who.GetTotal(), err
}

// DeleteZone closes a zone and forgets it, in this order: what is forgotten
// cannot be closed any more.
func (s *Service) DeleteZone(ctx context.Context, req *connect.Request[adminv1.DeleteZoneRequest]) (*connect.Response[adminv1.DeleteZoneResponse], error) {
	name := req.Msg.GetName()
	if err := cluster.CheckZoneName(name); err != nil {
		return nil, ofCluster(err)
	}
	err := s.call(ctx, zoneActor(name), zone.MethodClose, new(clusterv1.CloseZone), new(clusterv1.ZoneClosed))
	// A zone that never ran may still be on paper.
	if err != nil && connect.CodeOf(err) != connect.CodeNotFound {
		return nil, wrap(err, "close zone %q", name)
	}
	if err := s.view.DeleteZone(ctx, name); err != nil {
		return nil, ofCluster(err)
	}
	return connect.NewResponse(&adminv1.DeleteZoneResponse{}), nil
}

// ListZones tells which zones there are.
func (s *Service) ListZones(ctx context.Context, req *connect.Request[adminv1.ListZonesRequest]) (*connect.Response[adminv1.ListZonesResponse], error) {
	out, routes := new(adminv1.ListZonesResponse), s.view.Routes()
	for _, spec := range s.view.Zones().List() {
		name := spec.GetZone().GetName()
		if !strings.HasPrefix(name, req.Msg.GetPrefix()) {
			continue
		}
		shard := zoneActor(name).Shard(s.view.Shards())
		out.Zones = append(out.Zones, &adminv1.ZoneRow{
			Spec: spec, Shard: uint32(shard), Node: string(routes.Owner(shard).Node),
		})
	}
	if !req.Msg.GetOmitPlayers() {
		s.countPlayers(ctx, out.GetZones())
	}
	return connect.NewResponse(out), nil
}

// countPlayers asks each zone who is in it, and leaves out what is not answered.
func (s *Service) countPlayers(ctx context.Context, rows []*adminv1.ZoneRow) {
	ctx, cancel := context.WithTimeout(ctx, zonePatience)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, row := range rows {
		if row.GetNode() == "" {
			continue
		}
		g.Go(func() error {
			if n, err := s.askWho(ctx, row.GetSpec().GetZone().GetName()); err == nil {
				row.Players = &n
			}
			return nil
		})
	}
	_ = g.Wait() // no call returns an error
}
