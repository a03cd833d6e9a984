package integration

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/gateway/auth"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// A main of somebody else's, with a kind of its own: players call it over
// WebSocket, and it survives a kill like the built-in ones.
func TestSomebodyElsesKind(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path, err := build(t.TempDir(), "docs/examples/guild/server", "")
	if err != nil {
		t.Fatal(err)
	}
	dir, listen := t.TempDir(), freePort(t)
	node := newProcess(t, path, "guilds", dir, "serve", "--data", dir, "--node", "guilds", "--listen", listen, "--admin", "127.0.0.1:0")
	node.start()
	at := node.ready(ctx)

	token, err := auth.Mint([]byte(node.secret(at.SecretFile)), auth.Grant{Player: "ann", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	ann, err := client.Dial(ctx, "ws://"+listen+"/v1/ws", client.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer ann.Close()
	call := func(method string, request uint64, payload proto.Message) (int64, error) {
		t.Helper()
		body, err := proto.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := ann.Call(ctx, &clientv1.Call{Kind: "guild", Id: "lions", Method: method, Request: request, Payload: body})
		if err != nil {
			return 0, err
		}
		balance := new(wrapperspb.Int64Value)
		if err := proto.Unmarshal(reply, balance); err != nil {
			t.Fatal(err)
		}
		return balance.GetValue(), nil
	}
	for range 2 { // the second is a copy
		if got, err := call("Deposit", 1, wrapperspb.Int64(40)); err != nil || got != 40 {
			t.Fatalf("Deposit 40: got %d, %v, want 40", got, err)
		}
	}
	if _, err := call("Withdraw", 2, wrapperspb.Int64(40)); client.CodeOf(err) != clientv1.Code_CODE_UNAUTHENTICATED {
		t.Errorf("Withdraw by a player: got %v, want UNAUTHENTICATED", err)
	}
	node.kill()
	node.start()
	node.ready(ctx)
	if got, err := call("Balance", 0, new(emptypb.Empty)); err != nil || got != 40 {
		t.Errorf("Balance after a kill: got %d, %v, want 40", got, err)
	}
}
