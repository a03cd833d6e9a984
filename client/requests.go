package client

import (
	"context"
	"fmt"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// NextRequest reserves a request number for a purchase.
func (c *Conn) NextRequest() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nextRequest
	c.nextRequest++
	return n
}

// Buy buys. A purchase without a request number is given the next one, in b;
// when Buy returns a context error, or a refusal that is Unsettled, calling it
// again with the same b tells what became of it, and cannot buy twice. b must
// not change while Buy runs.
func (c *Conn) Buy(ctx context.Context, b *clientv1.Buy) (*clientv1.Bought, error) {
	if b.Request == 0 {
		b.Request = c.NextRequest()
	}
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Buy{Buy: b}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetBought())
}

// GetPlayer returns the player's own state.
func (c *Conn) GetPlayer(ctx context.Context) (*clientv1.Player, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_GetPlayer{GetPlayer: &clientv1.GetPlayer{}}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetPlayer())
}

// ListCatalog returns the products whose SKU begins with prefix.
func (c *Conn) ListCatalog(ctx context.Context, prefix string) (*clientv1.Catalog, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ListCatalog{
		ListCatalog: &clientv1.ListCatalog{Prefix: prefix},
	}})
	if err != nil {
		return nil, err
	}
	return reply(f, f.GetCatalog())
}

// Watch asks for the stock events of these products from now on, instead of
// those watched before, and returns their levels now. The list is kept over
// reconnects.
func (c *Conn) Watch(ctx context.Context, skus ...string) ([]*clientv1.StockLevel, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Watch{Watch: &clientv1.Watch{Skus: skus}}})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.watched = skus
	c.mu.Unlock()
	w, err := reply(f, f.GetWatching())
	return w.GetLevels(), err
}

// Call invokes a method of an actor of any kind and returns the encoded
// result. A method that changes state needs a number, increasing per actor
// called; it is the caller's.
func (c *Conn) Call(ctx context.Context, call *clientv1.Call) ([]byte, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Call{Call: call}})
	if err != nil {
		return nil, err
	}
	r, err := reply(f, f.GetResult())
	return r.GetPayload(), err
}

// Ping asks for the server's time.
func (c *Conn) Ping(ctx context.Context) (time.Time, error) {
	f, err := c.roundTrip(ctx, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}})
	if err != nil {
		return time.Time{}, err
	}
	p, err := reply(f, f.GetPong())
	return p.GetServerTime().AsTime(), err
}

// reply returns the body that a frame was expected to have.
func reply[T comparable](f *clientv1.ServerFrame, body T) (T, error) {
	var none T
	if body == none {
		return none, fmt.Errorf("%w: answered by %T instead of %T", ErrProtocol, f.Body, body)
	}
	return body, nil
}
