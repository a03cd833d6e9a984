package client

import (
	"context"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// EnterOptions say how to enter a zone. The zero value plays.
type EnterOptions struct {
	// Spectate only looks.
	Spectate bool
	// At is where a spectator looks, in units; nil: at the zone's middle.
	At *clientv1.Point
}

func (o EnterOptions) frame(zone string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_EnterZone{
		EnterZone: &clientv1.EnterZone{Zone: zone, Spectate: o.Spectate, At: o.At},
	}}
}

// ListZones returns the zones whose name begins with prefix.
func (c *Conn) ListZones(ctx context.Context, prefix string) (*clientv1.Zones, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ListZones{
		ListZones: &clientv1.ListZones{Prefix: prefix},
	}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetZones())
}

// EnterZone enters a zone and returns what is seen of it: at first nothing, and
// then what Updates announces. The zone is entered again after a reconnect. A zone
// that was entered already has one view.
func (c *Conn) EnterZone(ctx context.Context, zone string, o EnterOptions) (*ZoneView, error) {
	// What there is to see may come before the answer.
	z := c.world.entering(zone)
	f, err := c.roundTrip(ctx, o.frame(zone))
	if err == nil {
		_, err = reply(f, f.GetEntered())
	}
	if err := c.world.tried(z, err); err != nil {
		return nil, err
	}
	return z, nil
}

// LeaveZone takes the player out of a zone, on all connections. The view ends at
// once, whatever becomes of the request.
func (c *Conn) LeaveZone(ctx context.Context, zone string) error {
	c.world.left(zone, ErrLeft)
	f, err := c.roundTrip(ctx, leaveFrame(zone))
	if err != nil {
		return err
	}
	_, err = reply(f, f.GetLeftZone())
	return err
}

func leaveFrame(zone string) *clientv1.ClientFrame {
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_LeaveZone{LeaveZone: &clientv1.LeaveZone{Zone: zone}}}
}

// Intend says what the player wants an entity to do from now on.
func (c *Conn) Intend(ctx context.Context, i *clientv1.Intent) (*clientv1.Intended, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Intent{Intent: i}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetIntended())
}

// Steer has the player's entity move on at a velocity, in units per second.
func (c *Conn) Steer(ctx context.Context, zone string, vx, vy float64) (*clientv1.Intended, error) {
	return c.Intend(ctx, &clientv1.Intent{Zone: zone, Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: vx, Vy: vy}}})
}

// Walk has the player's entity go to a place, in units.
func (c *Conn) Walk(ctx context.Context, zone string, x, y float64) (*clientv1.Intended, error) {
	to := &clientv1.Point{X: x, Y: y}
	return c.Intend(ctx, &clientv1.Intent{Zone: zone, Action: &clientv1.Intent_Walk{Walk: &clientv1.Walk{To: to}}})
}

// Strike has the player's entity hit another one that is near.
func (c *Conn) Strike(ctx context.Context, zone string, entity uint32) (*clientv1.Intended, error) {
	return c.Intend(ctx, &clientv1.Intent{Zone: zone, Action: &clientv1.Intent_Strike{Strike: &clientv1.Strike{Entity: entity}}})
}

// resync asks for a picture of a stream that cannot be followed. The answer
// comes as one, if it comes; if not, the next frame has it asked for again.
func (c *Conn) resync(stream uint32) {
	if w := c.current(); w != nil { // a new connection brings new pictures
		c.sendOwn(w, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Resync{Resync: &clientv1.Resync{Stream: stream}}})
	}
}
