package baseline

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

//go:embed schema.sql
var schema string

// The statements of a purchase. They travel together and are one transaction. A
// purchase that cannot be made violates a constraint, and nothing of it remains.
// Other buyers of the product wait from the time its row is updated to the
// commit, which is why that comes last.
const (
	debitSQL = `UPDATE players SET gold = gold - $3 * (SELECT price FROM products WHERE sku = $2)
WHERE id = $1 RETURNING gold`

	takeSQL = `WITH taken AS (
  UPDATE products SET stock = stock - $4 WHERE sku = $3 AND stock >= $4 RETURNING price
)
INSERT INTO orders (player, request, code, sku, quantity, price, balance)
VALUES ($1, $2, 0, $3, $4, $4 * (SELECT price FROM taken), (SELECT gold FROM players WHERE id = $1))
RETURNING price`

	refuseSQL = `INSERT INTO orders (player, request, code, sku, quantity, price, balance)
VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT DO NOTHING`

	receiptSQL = `SELECT code, sku, quantity, price, balance FROM orders WHERE player = $1 AND request = $2`
)

// What constraints are called by PostgreSQL: SQLSTATE, class 23.
const (
	notNullViolation = "23502"
	uniqueViolation  = "23505"
	checkViolation   = "23514"
)

// postgresDatabase is the database, and the user.
const postgresDatabase = "postgres"

// postgresPool is how many connections a gateway has to PostgreSQL: with more of
// them waiting for one product's row, fewer purchases get through.
const postgresPool = 4

// postgresStore has a table each for products, players and orders.
type postgresStore struct {
	pool *pgxpool.Pool
}

func postgresURL(a access) string {
	u := url.URL{
		Scheme: "postgres", Host: a.Address, User: url.UserPassword(postgresDatabase, a.Password), Path: "/" + postgresDatabase,
		RawQuery: url.Values{"sslmode": {"disable"}, "pool_max_conns": {fmt.Sprint(postgresPool)}}.Encode(),
	}
	return u.String()
}

func newPostgresStore(ctx context.Context, a access) (*postgresStore, error) {
	pool, err := pgxpool.New(ctx, postgresURL(a))
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return &postgresStore{pool}, nil
}

// createTables makes the empty tables.
func (s *postgresStore) createTables(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, schema); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	return nil
}

func (s *postgresStore) PutProduct(ctx context.Context, p Product) error {
	if _, err := s.pool.Exec(ctx, `INSERT INTO products VALUES ($1, $2, $3)`, p.SKU, p.Price, p.Stock); err != nil {
		return fmt.Errorf("put product: %w", err)
	}
	return nil
}

func (s *postgresStore) Grant(ctx context.Context, player string, amount int64) error {
	if _, err := s.pool.Exec(ctx, `INSERT INTO players VALUES ($1, $2)`, player, amount); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}

func (s *postgresStore) Buy(ctx context.Context, p *Purchase) (Receipt, error) {
	var b pgx.Batch
	b.Queue(debitSQL, p.Player, p.SKU, p.Quantity)
	b.Queue(takeSQL, p.Player, p.Request, p.SKU, p.Quantity)
	r := Receipt{SKU: p.SKU, Quantity: p.Quantity}
	results := s.pool.SendBatch(ctx, &b)
	err := results.QueryRow().Scan(&r.Balance)
	if !errors.Is(err, pgx.ErrNoRows) { // else there is no such player, and so no order
		err = errors.Join(err, results.QueryRow().Scan(&r.Price))
	}
	if closed := results.Close(); err == nil {
		err = closed // of the commit
	}
	if err == nil {
		return r, nil
	}
	return s.settle(ctx, p, err)
}

// settle answers a purchase that was not made: with what is known of its request,
// or by a refusal that is remembered.
func (s *postgresStore) settle(ctx context.Context, p *Purchase, err error) (Receipt, error) {
	code, ok := refusalOf(err)
	if !ok {
		return Receipt{}, fmt.Errorf("buy: %w", err)
	}
	var b pgx.Batch
	if code != clientv1.Code_CODE_UNSPECIFIED {
		b.Queue(refuseSQL, p.Player, p.Request, int32(code), p.SKU, p.Quantity)
	}
	var r Receipt
	b.Queue(receiptSQL, p.Player, p.Request).QueryRow(func(row pgx.Row) error {
		return row.Scan(&r.Code, &r.SKU, &r.Quantity, &r.Price, &r.Balance)
	})
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return Receipt{}, fmt.Errorf("remember refusal: %w", err)
	}
	return r, nil
}

// refusalOf says what it means that a purchase was not made: CODE_UNSPECIFIED when
// the request was answered before. It is false for what has nothing to do with it.
func refusalOf(err error) (c clientv1.Code, ok bool) {
	var violated *pgconn.PgError
	if !errors.As(err, &violated) {
		return clientv1.Code_CODE_INSUFFICIENT_FUNDS, errors.Is(err, pgx.ErrNoRows) // no wallet
	}
	switch {
	case violated.Code == uniqueViolation && violated.TableName == "orders":
		return clientv1.Code_CODE_UNSPECIFIED, true
	case violated.Code == checkViolation && violated.TableName == "players":
		return clientv1.Code_CODE_INSUFFICIENT_FUNDS, true
	case violated.Code == notNullViolation && violated.ColumnName == "gold": // no price to debit
		return clientv1.Code_CODE_NOT_FOUND, true
	case violated.Code == notNullViolation && violated.ColumnName == "price": // nothing taken
		return clientv1.Code_CODE_SOLD_OUT, true
	}
	return 0, false
}

func (s *postgresStore) Books(ctx context.Context) (*Books, error) {
	b := newBooks()
	var name string
	var amount int64
	for sql, into := range map[string]map[string]int64{
		`SELECT sku, stock FROM products`: b.Left, `SELECT id, gold FROM players`: b.Wallets,
	} {
		rows, _ := s.pool.Query(ctx, sql) // ForEachRow has its error
		_, err := pgx.ForEachRow(rows, []any{&name, &amount}, func() error { into[name] = amount; return nil })
		if err != nil {
			return nil, fmt.Errorf("read books: %w", err)
		}
	}
	var request uint64
	var r Receipt
	rows, _ := s.pool.Query(ctx, `SELECT player, request, code, sku, quantity, price, balance FROM orders`)
	_, err := pgx.ForEachRow(rows, []any{&name, &request, &r.Code, &r.SKU, &r.Quantity, &r.Price, &r.Balance}, func() error {
		b.enter(name, request, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	return b, nil
}

func (s *postgresStore) Close() error {
	s.pool.Close()
	return nil
}
