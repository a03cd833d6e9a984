package cluster

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// ShardID numbers a shard, from 0.
type ShardID uint32

func (s ShardID) String() string { return strconv.FormatUint(uint64(s), 10) }

// Epoch counts the ownerships of one shard. It only grows.
type Epoch uint64

// LogSeq numbers the entries of one log, from 1. It is the JetStream sequence
// of the entry as well. 0: before the first entry.
type LogSeq uint64

// NodeName is the name an operator gave a node. It survives restarts.
type NodeName string

// Incarnation is one life of one process: node name and lease id.
type Incarnation string

// LogName names the log of one incarnation.
type LogName string

// Address is the host:port at which peers reach a node.
type Address string

// ActorID names an actor: its kind, and its id within the kind.
type ActorID struct {
	Kind, ID string
}

func (a ActorID) String() string { return a.Kind + "/" + a.ID }

// Shard returns the shard that the actor belongs to, of n.
func (a ActorID) Shard(n int) ShardID {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(a.Kind)
	_, _ = d.WriteString("/")
	_, _ = d.WriteString(a.ID)
	return ShardID(d.Sum64() % uint64(n))
}

// ShardKind is the kind of the pseudo-actors that stand for whole shards: a
// command to {ShardKind, "7"} is answered by the host of shard 7 itself. See
// ShardActor.
const ShardKind = "shard"

// ShardActor names the pseudo-actor that stands for shard s.
func ShardActor(s ShardID) ActorID { return ActorID{Kind: ShardKind, ID: s.String()} }

// Route says who owns a shard.
type Route struct {
	Node        NodeName
	Incarnation Incarnation
	Address     Address
	Epoch       Epoch
}

// Owned is false for the zero Route: nobody owns the shard now.
func (r Route) Owned() bool { return r.Incarnation != "" }

func (r Route) String() string {
	if !r.Owned() {
		return "nobody"
	}
	return fmt.Sprintf("%s at epoch %d", r.Incarnation, r.Epoch)
}

// Caller is whom the gateway, or the admin listener, has authenticated.
type Caller struct {
	Player string
	Admin  bool
}

// Command is a request of a client or an operator on its way to the owner of
// one actor. Whoever sends it keeps it until the answer arrives, and may send
// it again: the actor's request table makes it happen once.
type Command struct {
	// Call names the answer; chosen by the sender, unique among its calls.
	Call uint64
	// ReplyTo is where the answer goes: a peer's address, "" for this process.
	ReplyTo Address

	Shard   ShardID
	To      ActorID
	Caller  Caller
	Request uint64
	Method  string

	// The request itself: Body when the sender has it decoded, else Payload.
	// Neither may change once the command was sent.
	Body    proto.Message
	Payload []byte

	// Traceparent is the W3C trace context, "" when not traced.
	Traceparent string
}

// Answer is the answer to a Command.
type Answer struct {
	Call uint64

	// CODE_UNSPECIFIED for success.
	Code         clientv1.Code
	Text         string
	RetryAfterMs uint64

	// The reply: Body when it comes from this process, Payload when it came
	// over the wire.
	Body    proto.Message
	Payload []byte

	// NotOwner: the addressee does not own the shard and has done nothing.
	// Owner is who does as far as it knows, possibly nobody.
	NotOwner bool
	Owner    Route
}

// Message is what one actor says to another. It may be lost or doubled.
type Message struct {
	Shard    ShardID
	From, To ActorID
	Body     proto.Message
}
