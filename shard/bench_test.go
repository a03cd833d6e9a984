package shard

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/actors/stock"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// shelf is a catalog of one product.
type shelf struct{ product *clusterv1.Product }

func (s shelf) Product(sku actors.SKU) (*clusterv1.Product, bool) {
	return s.product, string(sku) == s.product.GetSku()
}

// BenchmarkPurchase is a whole purchase on one node: routed, decided and applied
// by player and stock, appended, committed with an fsync per entry by the NATS
// server in this process, and answered. There is no socket and no gateway. The
// allocations are those of everything, the server's included.
func BenchmarkPurchase(b *testing.B) {
	for _, buyers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("buyers=%d", buyers), func(b *testing.B) { benchmarkPurchase(b, buyers) })
	}
}

func benchmarkPurchase(b *testing.B, buyers int) {
	stack := devstack.Test(b)
	goods := shelf{&clusterv1.Product{Sku: "sword", Price: 1, Currency: "gold", Slices: 8}}
	kinds, err := actors.NewRegistry(player.Kind(player.Config{Catalog: goods, Start: map[string]int64{"gold": 1 << 50}}), stock.Kind(stock.Config{Catalog: goods}))
	must(b, err)
	n := startNode(b, stack, "a", 0, func(c *Config) { c.Kinds, c.LiveActors = kinds, 0 })
	n.ready()
	for slice := range goods.product.GetSlices() {
		a, err := n.router.Call(b.Context(), &cluster.Command{
			To: cluster.ActorID{Kind: "stock", ID: fmt.Sprintf("sword/%d", slice)}, Method: "Restock",
			Caller: cluster.Caller{Admin: true}, Body: &clusterv1.Restock{Id: "bench", Quantity: 1 << 40},
		})
		if err != nil || a.Code != 0 {
			b.Fatalf("restock: %v %v", a, err)
		}
	}
	left := make(chan struct{}, b.N)
	for range b.N {
		left <- struct{}{}
	}
	close(left)
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range buyers {
		wg.Go(func() {
			buyer := &buyer{name: fmt.Sprintf("p%d", i), answered: make(chan *cluster.Answer, 1)}
			for range left {
				if a := buyer.buy(n); a.Code != 0 {
					b.Errorf("%s: %s", a.Code, a.Text)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "purchases/s")
}

// buyer buys one sword after the other.
type buyer struct {
	name     string
	next     uint64
	answered chan *cluster.Answer
}

func (p *buyer) Answered(a *cluster.Answer) { p.answered <- a }

func (p *buyer) buy(n *testNode) *cluster.Answer {
	p.next++
	n.router.Do(&cluster.Command{
		To: cluster.ActorID{Kind: "player", ID: p.name}, Caller: cluster.Caller{Player: p.name}, Method: "Buy", Request: p.next,
		Body: &clientv1.Buy{Request: p.next, Sku: "sword", Quantity: 1},
	}, p)
	return <-p.answered
}
