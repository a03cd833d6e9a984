package shard

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// MethodAudit asks a shard (cluster.ShardActor) for its books: the request is a
// clusterv1.AuditShard, the answer a clusterv1.ShardAudit. For operators only.
const MethodAudit = "audit"

// shardCommand answers a command to the shard itself; nil when it is answered
// later.
func (h *hosted) shardCommand(c *cluster.Command) *cluster.Answer {
	refuse := func(code clientv1.Code, format string, args ...any) *cluster.Answer {
		return &cluster.Answer{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	if !c.Caller.Admin {
		return refuse(clientv1.Code_CODE_UNAUTHENTICATED, "shards answer operators only")
	}
	if c.Method == MethodVerify {
		return h.verify(c)
	}
	if c.Method != MethodAudit {
		return refuse(clientv1.Code_CODE_NOT_FOUND, "shards have no method %q", c.Method)
	}
	ask, ok := c.Body.(*clusterv1.AuditShard)
	if !ok {
		ask = new(clusterv1.AuditShard)
		if err := proto.Unmarshal(c.Payload, ask); err != nil {
			return refuse(clientv1.Code_CODE_INVALID_ARGUMENT, "decode the request of %s: %v", c.Method, err)
		}
	}
	books, err := h.audit(ask)
	if err != nil {
		return refuse(clientv1.Code_CODE_INTERNAL, "audit shard %d: %v", h.id, err)
	}
	if !h.inc.leased() {
		return &cluster.Answer{NotOwner: true}
	}
	return &cluster.Answer{Body: books}
}

// audit adds up the accounts of all actors. It takes one turn, in which nothing
// else of this shard happens: the sums fit each other.
func (h *hosted) audit(ask *clusterv1.AuditShard) (*clusterv1.ShardAudit, error) {
	books := &clusterv1.ShardAudit{Accounts: make(map[string]int64), Epoch: uint64(h.hold.Epoch)}
	for _, ref := range h.people.refs() {
		state, ok, err := h.people.capture(ref)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		books.Actors++
		books.StateHash += state.Hash()
		b, err := h.people.look(ref, state)
		if err != nil {
			return nil, err
		}
		accountant, ok := b.(actors.Accountant)
		if !ok {
			continue
		}
		var row *clusterv1.ActorAccounts
		if ask.GetRowsKind() == ref.Kind && strings.HasPrefix(ref.ID, ask.GetRowsPrefix()) {
			row = &clusterv1.ActorAccounts{Id: ref.ID, Accounts: make(map[string]int64)}
			books.Rows = append(books.Rows, row)
		}
		accountant.Accounts(func(account string, amount int64) {
			books.Accounts[account] += amount
			if row != nil {
				row.Accounts[account] += amount
			}
		})
	}
	return books, nil
}
