package guild_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/actorstest"
	"github.com/holdfast-game/holdfast/docs/examples/guild"
)

// TestTreasury sends every request until it is answered, through a network that
// loses and doubles, to a node that crashes: each must count once.
func TestTreasury(t *testing.T) {
	for seed := range uint64(200) {
		w, err := actorstest.New(actorstest.Config{
			Seed: seed, Kinds: []actors.Kind{guild.Kind()}, Loss: 0.3, Duplicate: 0.3,
		})
		if err != nil {
			t.Fatal(err)
		}
		to := actors.Ref{Kind: "guild", ID: "lions"}
		want, open := int64(0), 0
		for n := uint64(1); n <= 10; n++ {
			for _, player := range []actors.PlayerID{"ann", "bob"} {
				open++
				want += int64(n)
				answer := ""
				var send func()
				send = func() {
					if answer != "" {
						return
					}
					w.Call(actorstest.Call{
						To: to, Method: "Deposit", Caller: actors.Caller{Player: player}, Request: n, Body: wrapperspb.Int64(int64(n)),
						Done: func(reply proto.Message, refusal *actors.Refusal) {
							got := fmt.Sprint(reply, refusal)
							switch {
							case answer == "":
								answer = got
								open--
							case answer != got:
								t.Errorf("seed %d: %s's request %d was answered %s and %s", seed, player, n, answer, got)
							}
						},
					})
					w.After(100*time.Millisecond, send)
				}
				w.After(time.Duration(n)*50*time.Millisecond, send)
			}
		}
		for i := range 4 {
			w.After(time.Duration(i)*150*time.Millisecond, func() { w.Crash(0, 20*time.Millisecond) })
		}
		if err := w.Run(10*time.Second, nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.Calm()
		got := int64(-1)
		w.Call(actorstest.Call{To: to, Method: "Balance", Body: new(emptypb.Empty), Done: func(reply proto.Message, _ *actors.Refusal) {
			got = reply.(*wrapperspb.Int64Value).GetValue()
		}})
		if err := w.Run(time.Second, nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if open != 0 || got != want {
			t.Errorf("seed %d: the treasury holds %d, want %d; %d requests without answer", seed, got, want, open)
		}
		if err := w.Verify(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
