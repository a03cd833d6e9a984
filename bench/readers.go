package bench

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// maxReaders bounds the connections that wallets are read over: enough that
// there is a reader in most shards, few beside the players'.
const maxReaders = 32

// reader is client.Conn, as much of it as reading uses.
type reader interface {
	GetPlayer(context.Context) (*clientv1.Player, error)
}

// startReaders reads the wallets of some players, evenly chosen, until the
// returned function is called, which waits for the end.
func (s *sale) startReaders(ctx context.Context) (stop func(), err error) {
	if s.Reads == 0 {
		return func() {}, nil
	}
	n := min(s.Players, maxReaders)
	every := time.Duration(float64(n) / s.Reads * float64(time.Second))
	ctx, cancel := context.WithCancel(ctx)
	var conns []*client.Conn
	var all sync.WaitGroup
	stop = func() {
		cancel()
		all.Wait()
		for _, c := range conns {
			_ = c.Close()
		}
	}
	for i := range n {
		player := i * s.Players / n
		o, err := s.options(player)
		if err != nil {
			stop()
			return nil, err
		}
		c, err := client.Dial(ctx, rotate(s.target.URL, i), o)
		if err != nil {
			stop()
			return nil, err
		}
		conns = append(conns, c)
		all.Go(func() { readWallet(ctx, s.History, s.ledgers[player].player, c, every, s.Patience) })
	}
	return stop, nil
}

// readWallet asks for a player's wallet every so often, and records the answers.
func readWallet(ctx context.Context, h *history.Recorder, player string, r reader, every, patience time.Duration) {
	for pause(ctx, every) {
		op := history.Op{Kind: history.Read, Client: player, Invoke: h.Now()}
		bounded, cancel := context.WithTimeout(ctx, patience)
		p, err := r.GetPlayer(bounded)
		cancel()
		op.Return, op.Outcome = h.Now(), done(err)
		if err == nil {
			op.Balance = p.GetWallet()[currency]
		} else {
			op.Code = client.CodeOf(err)
		}
		h.Add(&op)
	}
}
