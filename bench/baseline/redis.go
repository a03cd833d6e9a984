package baseline

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

//go:embed buy.lua
var buyScript string

const (
	redisPlayer  = "player:"
	redisProduct = "product:"

	goldField  = "gold"
	priceField = "price"
	leftField  = "left"

	// redisPool is how many connections a gateway has to Redis: commands that it
	// finds on several at once are written to its file together, with one sync.
	redisPool = 64
)

// redisStore has a hash for each player and for each product.
type redisStore struct {
	client *redis.Client
	buy    *redis.Script
}

func newRedisStore(a access) *redisStore {
	return &redisStore{
		client: redis.NewClient(&redis.Options{
			Addr: a.Address, Password: a.Password, PoolSize: redisPool,
			// Of cloud services: it would only be asked for and refused.
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}),
		buy: redis.NewScript(buyScript),
	}
}

func (s *redisStore) PutProduct(ctx context.Context, p Product) error {
	if err := s.client.HSet(ctx, redisProduct+p.SKU, priceField, p.Price, leftField, p.Stock).Err(); err != nil {
		return fmt.Errorf("put product: %w", err)
	}
	return nil
}

func (s *redisStore) Grant(ctx context.Context, player string, amount int64) error {
	if err := s.client.HSet(ctx, redisPlayer+player, goldField, amount).Err(); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}

func (s *redisStore) Buy(ctx context.Context, p *Purchase) (Receipt, error) {
	answer, err := s.buy.Run(ctx, s.client, []string{redisPlayer + p.Player, redisProduct + p.SKU},
		p.Request, p.SKU, p.Quantity,
		int32(clientv1.Code_CODE_NOT_FOUND), int32(clientv1.Code_CODE_INSUFFICIENT_FUNDS), int32(clientv1.Code_CODE_SOLD_OUT)).Text()
	if err != nil {
		return Receipt{}, fmt.Errorf("buy: %w", err)
	}
	return parseReceipt(answer)
}

func (s *redisStore) Books(ctx context.Context) (*Books, error) {
	b := newBooks()
	keys := s.client.Scan(ctx, 0, "", 0).Iterator()
	for keys.Next(ctx) {
		fields, err := s.client.HGetAll(ctx, keys.Val()).Result()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", keys.Val(), err)
		}
		if err := b.redisHash(keys.Val(), fields); err != nil {
			return nil, fmt.Errorf("read %s: %w", keys.Val(), err)
		}
	}
	if err := keys.Err(); err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return b, nil
}

// redisHash enters the hash of a product or a player.
func (b *Books) redisHash(key string, fields map[string]string) (err error) {
	if sku, ok := strings.CutPrefix(key, redisProduct); ok {
		b.Left[sku], err = strconv.ParseInt(fields[leftField], 10, 64)
		return err
	}
	player := strings.TrimPrefix(key, redisPlayer)
	for name, value := range fields {
		if name == goldField {
			b.Wallets[player], err = strconv.ParseInt(value, 10, 64)
		} else {
			err = b.parse(player, name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *redisStore) Close() error { return s.client.Close() }
