//go:build !race

// Starting protoactor's own remote writes gRPC's global logger, which the race
// detector rightly reports.

package peer

import (
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
)

// What this package speaks is protoactor's protocol: its own remote can send to
// a node.
func TestProtoactorCanSend(t *testing.T) {
	n := newNode(t, Config{})
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	other := remote.NewRemote(system, remote.Configure("127.0.0.1", 0, remote.WithEndpointWriterQueueSize(64)))
	other.Start()
	defer other.Shutdown(true)

	system.Root.Send(actor.NewPID(string(n.address), receiverID), envelope(protocolVersion, 11))
	if got := next(t, n.commands); got.Call != 11 {
		t.Errorf("got call %d, want 11", got.Call)
	}
}
