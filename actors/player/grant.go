package player

import (
	"math"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// maxFunded bounds what is ever put into one purse, so that sums over many
// players do not overflow.
const maxFunded = math.MaxInt64 / (1 << 20)

// decideGrant adds money for an operator, once per id.
func (p *player) decideGrant(env *actors.Env, msg *actors.Message, m *clusterv1.Grant, out *actors.Decision) error {
	switch {
	case m.GetId() == "" || len(m.GetId()) > requests.MaxIDLength:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "id: must have 1 to %d bytes", requests.MaxIDLength)
	case m.GetCurrency() == "" || len(m.GetCurrency()) > maxName:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "currency: must have 1 to %d bytes", maxName)
	case m.GetAmount() <= 0 || m.GetAmount() > maxFunded:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "amount: %d, must be 1 to %d", m.GetAmount(), int64(maxFunded))
	}
	d := requests.NewDigest()
	d.String(m.GetCurrency())
	d.Int(m.GetAmount())
	contents := d.Sum()
	switch balance, known, err := p.grants.Look(m.GetId(), contents); {
	case err != nil:
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "%v", err)
	case known:
		out.Reply(msg.ReplyTo, &clusterv1.Granted{Balance: balance})
		return nil
	}
	var had purse
	if i, ok := p.wallet.find(m.GetCurrency()); ok {
		had = p.wallet[i]
	}
	if had.funded > maxFunded-m.GetAmount() {
		return actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "amount: a purse takes %d in all", int64(maxFunded))
	}
	forget, retry, ok := p.grants.Room(env.Now, p.cfg.Grants)
	if !ok {
		return &actors.Refusal{Code: clientv1.Code_CODE_OVERLOADED, Text: "too many grants to remember", RetryAfter: retry}
	}
	e := p.newEvent(nil)
	e.Change = &journalv1.PlayerEvent_Granted{Granted: &journalv1.MoneyGranted{
		Id: m.GetId(), Contents: contents, Currency: m.GetCurrency(), Amount: m.GetAmount(),
		At: env.Now.UnixNano(), Forgotten: forget,
	}}
	out.Event(e)
	out.Reply(msg.ReplyTo, &clusterv1.Granted{Balance: had.balance + m.GetAmount()})
	return nil
}

func (p *player) applyGranted(e *journalv1.MoneyGranted) error {
	purse := p.wallet.purse(e.GetCurrency())
	purse.balance += e.GetAmount()
	purse.funded += e.GetAmount()
	return p.grants.Add(e.GetId(), e.GetContents(), purse.balance, e.GetAt(), e.GetForgotten())
}
