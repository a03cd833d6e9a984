package peer

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// rawStream speaks to a node as anybody could who reaches its port.
func rawStream(t *testing.T, n *node) remote.Remoting_ReceiveClient {
	t.Helper()
	conn, err := dial(n.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); conn.Close() })
	stream, err := remote.NewRemotingClient(conn).Receive(ctx, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	sendRaw(t, stream, &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{
		ConnectRequest: &remote.ConnectRequest{ConnectionType: &remote.ConnectRequest_ServerConnection{
			ServerConnection: &remote.ServerConnection{SystemId: "x", Address: "stranger:1"},
		}},
	}})
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	return stream
}

func sendRaw(t *testing.T, stream remote.Remoting_ReceiveClient, msg *remote.RemoteMessage) {
	t.Helper()
	if err := stream.Send(msg); err != nil {
		t.Fatal(err)
	}
}

// batch is a batch as this package sends it; change spoils it.
func batch(t *testing.T, env *clusterv1.Envelope, change func(*remote.MessageBatch)) *remote.RemoteMessage {
	t.Helper()
	data, err := proto.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	b := &remote.MessageBatch{
		TypeNames: []string{envelopeName},
		Targets:   []*actor.PID{{Id: receiverID}},
		Envelopes: []*remote.MessageEnvelope{{MessageData: data}},
	}
	if change != nil {
		change(b)
	}
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}}
}

func envelope(version uint32, call uint64) *clusterv1.Envelope {
	return &clusterv1.Envelope{Version: version, Items: []*clusterv1.Item{
		{Body: &clusterv1.Item_Command{Command: &clusterv1.Command{Call: call}}},
	}}
}

// logBuffer collects log lines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Whatever cannot be read is refused and counted, and the stream goes on.
func TestWhatCannotBeReadIsRefused(t *testing.T) {
	unknownBody := &clusterv1.Envelope{Version: 1, Items: []*clusterv1.Item{{Body: &clusterv1.Item_Message{
		Message: &clusterv1.Message{Body: &anypb.Any{TypeUrl: "type.googleapis.com/holdfast.cluster.v9.Nope"}},
	}}}}
	for _, tc := range []struct {
		name   string
		env    *clusterv1.Envelope
		change func(*remote.MessageBatch)
		reason string
		log    string
	}{
		{"newer version", envelope(protocolVersion+1, 1), nil, refuseVersion, "newer protocol"},
		{"unknown type", envelope(1, 1), func(b *remote.MessageBatch) { b.TypeNames[0] = "nope.Nope" }, refuseType, "does not know"},
		{"system message", envelope(1, 1), func(b *remote.MessageBatch) { b.TypeNames[0] = "actor.Stop" }, refuseType, "does not know"},
		{"another actor", envelope(1, 1), func(b *remote.MessageBatch) { b.Targets[0].Id = "shard-1" }, refuseType, "does not know"},
		{"type out of range", envelope(1, 1), func(b *remote.MessageBatch) { b.Envelopes[0].TypeId = 7 }, refuseType, "does not know"},
		{"negative type", envelope(1, 1), func(b *remote.MessageBatch) { b.Envelopes[0].TypeId = -1 }, refuseType, "does not know"},
		{"target out of range", envelope(1, 1), func(b *remote.MessageBatch) { b.Envelopes[0].Target = 7 }, refuseType, "does not know"},
		{"no target", envelope(1, 1), func(b *remote.MessageBatch) { b.Targets = nil }, refuseType, "does not know"},
		{"unknown serializer", envelope(1, 1), func(b *remote.MessageBatch) { b.Envelopes[0].SerializerId = 9 }, refuseType, "does not know"},
		{"garbage", envelope(1, 1), func(b *remote.MessageBatch) { b.Envelopes[0].MessageData = []byte("\xff\xff") }, refuseMalformed, "malformed"},
		{"unknown body", unknownBody, nil, refuseBody, "does not know"},
		{"empty item", &clusterv1.Envelope{Version: 1, Items: []*clusterv1.Item{{}}}, nil, refuseType, "does not know"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log logBuffer
			n := newNode(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			stream := rawStream(t, n)
			sendRaw(t, stream, batch(t, tc.env, tc.change))
			sendRaw(t, stream, batch(t, tc.env, tc.change))
			sendRaw(t, stream, batch(t, envelope(1, 2), nil))
			if got := next(t, n.commands); got.Call != 2 {
				t.Errorf("call %d was delivered", got.Call)
			}
			if got := value(t, n.cfg.Metrics.refused.WithLabelValues(tc.reason)); got != 2 {
				t.Errorf("refused for %s: got %v, want 2", tc.reason, got)
			}
			if got := strings.Count(log.String(), tc.log); got != 1 {
				t.Errorf("%d log lines say %q, want 1:\n%s", got, tc.log, log.String())
			}
			if !strings.Contains(log.String(), "stranger:1") {
				t.Errorf("the log does not name the peer:\n%s", log.String())
			}
		})
	}
}

// An empty batch, an empty message and a stream that is cut off harm nobody.
func TestEmptyMessages(t *testing.T) {
	n := newNode(t, Config{})
	stream := rawStream(t, n)
	sendRaw(t, stream, &remote.RemoteMessage{})
	sendRaw(t, stream, &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{}})
	sendRaw(t, stream, batch(t, &clusterv1.Envelope{}, nil))
	sendRaw(t, stream, batch(t, envelope(0, 3), nil))
	if got := next(t, n.commands); got.Call != 3 {
		t.Errorf("got call %d", got.Call)
	}
}
