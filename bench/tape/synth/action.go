package synth

import (
	"strings"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// action is something that players do.
type action struct {
	inZone, ofProducts bool
	do                 func(p *player) *clientv1.ClientFrame
}

// watched is how many products a player watches.
const watched = 5

// actions are all, by the names that specs have for them.
var actions = map[string]action{
	"ping": {do: func(*player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}}
	}},
	"get_player": {do: func(*player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_GetPlayer{GetPlayer: &clientv1.GetPlayer{}}}
	}},
	"list_catalog": {do: func(p *player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ListCatalog{ListCatalog: &clientv1.ListCatalog{Prefix: p.crowd.spec.Products.Prefix}}}
	}},
	"list_zones": {do: func(*player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ListZones{ListZones: &clientv1.ListZones{}}}
	}},
	"watch": {ofProducts: true, do: (*player).watch},
	"buy": {ofProducts: true, do: func(p *player) *clientv1.ClientFrame {
		return p.buy(p.crowd.popular.pick(&p.chance))
	}},
	"walk": {inZone: true, do: func(p *player) *clientv1.ClientFrame {
		return p.intend(&clientv1.Intent{Action: &clientv1.Intent_Walk{Walk: &clientv1.Walk{To: p.anywhere()}}})
	}},
	"steer": {inZone: true, do: func(p *player) *clientv1.ClientFrame {
		return p.intend(&clientv1.Intent{Action: &clientv1.Intent_Steer{Steer: &clientv1.Steer{Vx: p.chance.signed(), Vy: p.chance.signed()}}})
	}},
	"strike": {inZone: true, do: func(p *player) *clientv1.ClientFrame {
		return p.intend(&clientv1.Intent{Action: &clientv1.Intent_Strike{Strike: &clientv1.Strike{Entity: uint32(1 + p.chance.below(entities))}}})
	}},
	"say": {inZone: true, do: (*player).say},
	"read_chat": {inZone: true, do: func(p *player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_ReadChat{ReadChat: &clientv1.ReadChat{Channel: p.channel()}}}
	}},
	"who": {inZone: true, do: func(p *player) *clientv1.ClientFrame {
		return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Who{Who: &clientv1.Who{Channel: p.channel()}}}
	}},
}

const (
	// entities: a strike is at one of so many. Whether it is near is for the zone.
	entities = 200
	// Lines of chat have so many letters; what they say is not on tapes anyway.
	minLetters, maxLetters = 2, 80
)

func (p *player) buy(product int) *clientv1.ClientFrame {
	p.request++
	most := max(1, p.crowd.spec.Products.Quantity)
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{
		Request: p.request, Sku: p.crowd.sku(product), Quantity: int64(1 + p.chance.below(most)),
	}}}
}

func (p *player) watch() *clientv1.ClientFrame {
	m := new(clientv1.Watch)
	seen := make(map[int]bool, watched)
	for range watched {
		if n := p.crowd.popular.pick(&p.chance); !seen[n] {
			seen[n] = true
			m.Skus = append(m.Skus, p.crowd.sku(n))
		}
	}
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Watch{Watch: m}}
}

func (p *player) say() *clientv1.ClientFrame {
	p.line++
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Say{Say: &clientv1.Say{
		Channel: p.channel(), Request: p.line, Text: strings.Repeat("x", minLetters+p.chance.below(maxLetters-minLetters)),
	}}}
}

func (p *player) intend(m *clientv1.Intent) *clientv1.ClientFrame {
	m.Zone = p.crowd.Zone
	return &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Intent{Intent: m}}
}

func (p *player) anywhere() *clientv1.Point {
	return &clientv1.Point{X: p.crowd.zone.Width * p.chance.float(), Y: p.crowd.zone.Height * p.chance.float()}
}

func (p *player) channel() string { return "zone/" + p.crowd.Zone }
