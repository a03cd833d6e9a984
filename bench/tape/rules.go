package tape

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// rule is what becomes of one field.
type rule uint8

const (
	// dropped: the protocol does not have the field.
	dropped rule = iota
	// plain: it stays. All numbers do.
	plain
	// blank: as many 'x' instead. Texts and bytes are, unless there is a reason.
	blank
	// player: the id of a player, which is hashed.
	player
	// order: the id of an order, which begins with that of a player.
	order
	// target: the id of an actor, which may be a player's.
	target
	// remark: a text for people, in which a player's id may stand.
	remark
	// inside: a message, whose fields have rules of their own.
	inside
)

// plainTexts are the texts and bytes that stay: names of things that are not
// people, and what a replay cannot do without. What kinds of games put into the
// payloads of their calls is theirs to know.
var plainTexts = []protoreflect.FullName{
	"Hello.client", "ListCatalog.prefix", "Buy.sku", "Watch.skus", "Call.kind", "Call.method", "Call.payload",
	"EnterZone.zone", "LeaveZone.zone", "Intent.zone", "ListZones.prefix", "Who.channel", "Say.channel",
	"ReadChat.channel", "JoinGroup.group", "LeaveGroup.group",

	"Player.WalletEntry.key", "Item.sku", "Order.sku", "Order.currency", "Product.sku", "Product.title",
	"Product.currency", "Result.payload", "StockLevel.sku", "Zone.name", "Entered.owner", "Field.name", "LeftZone.zone",
	"WorldKey.zone", "WorldKey.frame", "WorldFrame.frame", "ZoneOwner.zone", "ZoneOwner.node", "Present.channel",
	"Presence.channel", "ChatLine.channel", "ChatHistory.channel", "JoinedGroup.group", "LeftGroup.group",
}

// people are the fields that name players.
var people = map[protoreflect.FullName]rule{
	"Welcome.player": player,
	// It would lead from the tape to the node's log, which names the player.
	"Welcome.session": player,
	"Player.id":       player,
	"Person.player":   player,
	"ChatLine.player": player,
	"Order.id":        order,
	"Call.id":         target,
	"Error.text":      remark,
}

// message has the rules of a message, by field number.
type message struct {
	name   protoreflect.FullName
	fields []field
}

type field struct {
	name protoreflect.Name
	rule rule
	typ  protowire.Type
	// packed: several numbers may stand in one field.
	packed bool
	inside *message
}

// rulebook makes the rules of a message and of those in it.
type rulebook struct {
	texts map[protoreflect.FullName]rule
	known map[protoreflect.FullName]*message
}

func newRulebook() *rulebook {
	b := &rulebook{texts: make(map[protoreflect.FullName]rule), known: make(map[protoreflect.FullName]*message)}
	for _, name := range plainTexts {
		b.texts[name] = plain
	}
	for name, r := range people {
		b.texts[name] = r
	}
	return b
}

// The frames of both directions.
var (
	rules        = newRulebook()
	clientFrames = rules.of((*clientv1.ClientFrame)(nil).ProtoReflect().Descriptor())
	serverFrames = rules.of((*clientv1.ServerFrame)(nil).ProtoReflect().Descriptor())
)

// clientPackage is left out of the names above.
const clientPackage = "holdfast.client.v1."

func shortName(n protoreflect.FullName) protoreflect.FullName {
	if len(n) > len(clientPackage) && n[:len(clientPackage)] == clientPackage {
		return n[len(clientPackage):]
	}
	return n
}

func (b *rulebook) of(d protoreflect.MessageDescriptor) *message {
	if m := b.known[d.FullName()]; m != nil {
		return m
	}
	m := &message{name: shortName(d.FullName())}
	b.known[d.FullName()] = m
	all := d.Fields()
	for i := range all.Len() {
		f := all.Get(i)
		for int(f.Number()) >= len(m.fields) {
			m.fields = append(m.fields, field{})
		}
		m.fields[f.Number()] = b.field(f)
	}
	return m
}

func (b *rulebook) field(f protoreflect.FieldDescriptor) field {
	out := field{name: f.Name(), rule: plain}
	switch f.Kind() {
	case protoreflect.MessageKind:
		return field{name: f.Name(), rule: inside, typ: protowire.BytesType, inside: b.of(f.Message())}
	case protoreflect.StringKind, protoreflect.BytesKind:
		out.typ, out.rule = protowire.BytesType, blank
		if r, ok := b.texts[shortName(f.FullName())]; ok {
			out.rule = r
		}
		return out
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		out.typ = protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		out.typ = protowire.Fixed64Type
	case protoreflect.GroupKind:
		out.rule = dropped
	default:
		out.typ = protowire.VarintType
	}
	out.packed = f.IsList()
	return out
}

// at returns the rules of a field as it came.
func (m *message) at(n protowire.Number, typ protowire.Type) *field {
	if int64(n) >= int64(len(m.fields)) {
		return nil
	}
	f := &m.fields[n]
	if f.rule == dropped || f.typ != typ && (!f.packed || typ != protowire.BytesType) {
		return nil
	}
	return f
}
