package baseline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	etcdProducts = "product/" // value: price and stock
	etcdPlayers  = "player/"  // value: gold
	etcdOrders   = "order/"   // player, "/", request number; value: receipt

	// etcdPage is how many keys are read at once.
	etcdPage = 10_000

	// A purchase that has lost tries again after a random while below a bound that
	// doubles from the first to the last of these.
	etcdFirstPause = time.Millisecond
	etcdLastPause  = 512 * time.Millisecond
)

// etcdStore makes purchases in optimistic transactions: if nothing that was read
// has changed, write, else read again. Of those that race for one product, one
// wins: the more there are, the less is sold, and some lose for many seconds.
type etcdStore struct {
	client *clientv3.Client
	turns  *semaphore.Weighted // of those under way, first come, first served; nil: all race
}

// newEtcdStore has racers purchases under way at a time; 0: all that come.
func newEtcdStore(a access, racers int64) (*etcdStore, error) {
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{a.Address},
		Logger:    zap.NewNop(), // what it would say comes as an error as well
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	s := &etcdStore{client: c}
	if racers > 0 {
		s.turns = semaphore.NewWeighted(racers)
	}
	return s, nil
}

func (s *etcdStore) PutProduct(ctx context.Context, p Product) error {
	if _, err := s.client.Put(ctx, etcdProducts+p.SKU, etcdOffer{p.Price, p.Stock}.String()); err != nil {
		return fmt.Errorf("put product: %w", err)
	}
	return nil
}

func (s *etcdStore) Grant(ctx context.Context, player string, amount int64) error {
	if _, err := s.client.Put(ctx, etcdPlayers+player, strconv.FormatInt(amount, 10)); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}

func (s *etcdStore) Buy(ctx context.Context, p *Purchase) (Receipt, error) {
	if s.turns != nil {
		if err := s.turns.Acquire(ctx, 1); err != nil {
			return Receipt{}, fmt.Errorf("wait for a turn: %w", err)
		}
		defer s.turns.Release(1)
	}
	t := newEtcdTrade(p)
	// What is read here may be old: the transaction finds out.
	read, err := s.client.Txn(ctx).Then(t.gets(clientv3.WithSerializable())...).Commit()
	if err != nil {
		return Receipt{}, fmt.Errorf("read: %w", err)
	}
	for bound := etcdFirstPause; ; bound = min(2*bound, etcdLastPause) {
		if err := t.take(read); err != nil {
			return Receipt{}, err
		}
		if t.known {
			return t.receipt, nil
		}
		if read, err = t.commit(ctx, s.client); err != nil {
			return Receipt{}, fmt.Errorf("buy: %w", err)
		}
		if read.Succeeded {
			return t.receipt, nil
		}
		if err := pause(ctx, rand.N(bound)); err != nil {
			return Receipt{}, fmt.Errorf("buy: %w", err)
		}
	}
}

// pause waits, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// etcdTrade is one purchase on its way.
type etcdTrade struct {
	*Purchase
	product, player, order string // keys

	productAt, playerAt int64 // revisions of what was read; 0: absent
	offer               etcdOffer
	receipt             Receipt
	known               bool // the receipt was found, not decided
}

func newEtcdTrade(p *Purchase) *etcdTrade {
	return &etcdTrade{Purchase: p, product: etcdProducts + p.SKU, player: etcdPlayers + p.Player, order: etcdOrder(p.Player, p.Request)}
}

func etcdOrder(player string, request uint64) string {
	return etcdOrders + player + "/" + strconv.FormatUint(request, 10)
}

func (t *etcdTrade) gets(o ...clientv3.OpOption) []clientv3.Op {
	return []clientv3.Op{clientv3.OpGet(t.order, o...), clientv3.OpGet(t.player, o...), clientv3.OpGet(t.product, o...)}
}

// take decides by what gets has read.
func (t *etcdTrade) take(read *clientv3.TxnResponse) (err error) {
	order, player, product := read.Responses[0].GetResponseRange(), read.Responses[1].GetResponseRange(), read.Responses[2].GetResponseRange()
	if order.Count > 0 {
		t.known = true
		t.receipt, err = parseReceipt(string(order.Kvs[0].Value))
		return err
	}
	var gold int64
	t.playerAt, t.productAt = 0, 0
	if player.Count > 0 {
		t.playerAt = player.Kvs[0].ModRevision
		if gold, err = strconv.ParseInt(string(player.Kvs[0].Value), 10, 64); err != nil {
			return fmt.Errorf("read wallet of %s: %w", t.Player, err)
		}
	}
	if product.Count == 0 {
		t.receipt = refusal(clientv1.Code_CODE_NOT_FOUND, t.Purchase)
		return nil
	}
	t.productAt = product.Kvs[0].ModRevision
	if t.offer, err = parseEtcdOffer(string(product.Kvs[0].Value)); err != nil {
		return err
	}
	price := t.offer.price * t.Quantity
	switch {
	case gold < price:
		t.receipt = refusal(clientv1.Code_CODE_INSUFFICIENT_FUNDS, t.Purchase)
	case t.offer.left < t.Quantity:
		t.receipt = refusal(clientv1.Code_CODE_SOLD_OUT, t.Purchase)
	default:
		t.receipt = Receipt{SKU: t.SKU, Quantity: t.Quantity, Price: price, Balance: gold - price}
	}
	return nil
}

// commit writes what was decided if what was read still holds, else reads again.
func (t *etcdTrade) commit(ctx context.Context, c *clientv3.Client) (*clientv3.TxnResponse, error) {
	return c.Txn(ctx).If(t.unchanged()...).Then(t.puts()...).Else(t.gets()...).Commit()
}

// unchanged: what was read still holds.
func (t *etcdTrade) unchanged() []clientv3.Cmp {
	return []clientv3.Cmp{
		clientv3.Compare(clientv3.CreateRevision(t.order), "=", 0),
		clientv3.Compare(clientv3.ModRevision(t.player), "=", t.playerAt),
		clientv3.Compare(clientv3.ModRevision(t.product), "=", t.productAt),
	}
}

// puts write what was decided.
func (t *etcdTrade) puts() []clientv3.Op {
	remember := clientv3.OpPut(t.order, t.receipt.String())
	if t.receipt.Code != clientv1.Code_CODE_UNSPECIFIED {
		return []clientv3.Op{remember}
	}
	left := etcdOffer{t.offer.price, t.offer.left - t.Quantity}
	return []clientv3.Op{
		remember,
		clientv3.OpPut(t.player, strconv.FormatInt(t.receipt.Balance, 10)),
		clientv3.OpPut(t.product, left.String()),
	}
}

// etcdOffer is the value of a product's key.
type etcdOffer struct{ price, left int64 }

func (o etcdOffer) String() string { return fmt.Sprintf("%d %d", o.price, o.left) }

func parseEtcdOffer(s string) (o etcdOffer, err error) {
	if _, err := fmt.Sscanf(s, "%d %d", &o.price, &o.left); err != nil {
		return etcdOffer{}, fmt.Errorf("parse product %q: %w", s, err)
	}
	return o, nil
}

func (s *etcdStore) Books(ctx context.Context) (*Books, error) {
	b := newBooks()
	// From this on are all keys that there are.
	for from := "\x00"; ; {
		page, err := s.client.Get(ctx, from, clientv3.WithFromKey(), clientv3.WithLimit(etcdPage))
		if err != nil {
			return nil, fmt.Errorf("read books: %w", err)
		}
		for _, kv := range page.Kvs {
			if err := b.etcdKey(string(kv.Key), string(kv.Value)); err != nil {
				return nil, fmt.Errorf("read key %s: %w", kv.Key, err)
			}
			from = string(kv.Key) + "\x00"
		}
		if !page.More {
			return b, nil
		}
	}
}

// etcdKey enters a key.
func (b *Books) etcdKey(key, value string) (err error) {
	switch folder, name, _ := strings.Cut(key, "/"); folder + "/" {
	case etcdProducts:
		var o etcdOffer
		o, err = parseEtcdOffer(value)
		b.Left[name] = o.left
	case etcdPlayers:
		b.Wallets[name], err = strconv.ParseInt(value, 10, 64)
	case etcdOrders:
		err = b.parse(path.Dir(name), path.Base(name), value)
	}
	return err
}

func (s *etcdStore) Close() error { return s.client.Close() }
