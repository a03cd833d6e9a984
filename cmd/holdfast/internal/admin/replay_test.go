package admin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// keep puts a letter into the box, as a host does, and returns its number.
func (d *desk) keep(t *testing.T, l shard.DeadLetter, body proto.Message) uint64 {
	t.Helper()
	subject := "hf." + d.view.ClusterID() + ".deadletters"
	_, err := d.js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{
		Name: "hf_" + d.view.ClusterID() + "_deadletters", Subjects: []string{subject, subject + ".claim.*"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		l.Type = string(body.ProtoReflect().Descriptor().FullName())
		if l.Payload, err = proto.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := d.js.Publish(t.Context(), subject, text)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func (d *desk) replay(t *testing.T, id, request uint64) (*adminv1.ReplayDeadLetterResponse, error) {
	t.Helper()
	resp, err := d.client.ReplayDeadLetter(t.Context(), req(&adminv1.ReplayDeadLetterRequest{Id: id, Request: request}))
	if err != nil {
		return nil, err
	}
	return resp.Msg, nil
}

// kept returns the numbers of the letters that are there.
func (d *desk) kept(t *testing.T) (ids []uint64) {
	t.Helper()
	resp, err := d.client.DeadLetters(t.Context(), req(&adminv1.DeadLettersRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range resp.Msg.GetLetters() {
		ids = append(ids, l.GetId())
	}
	return ids
}

var (
	aBuy    = &clientv1.Buy{Request: 7, Sku: "sword", Quantity: 2}
	annsBuy = shard.DeadLetter{At: time.Unix(1_800_000_000, 0), Shard: 3, Actor: "player/ann", Player: "ann", Method: "Buy", Request: 7, Error: "panic in decide: as asked"}
)

// ann plays the player: she counts her requests, and answers purchases.
type ann struct {
	next uint64
	buy  func(c *cluster.Command) *cluster.Answer
	buys []*cluster.Command
}

func (a *ann) act(c *cluster.Command) *cluster.Answer {
	if c.Method == "Attach" {
		return &cluster.Answer{Body: &clusterv1.Attached{NextRequest: a.next}}
	}
	a.buys = append(a.buys, c)
	return a.buy(c)
}

// play has ann answer for all actors, and lets commands of players through.
func (d *desk) play(a *ann) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.players, d.act = true, a.act
}

func answer(code clientv1.Code) func(*cluster.Command) *cluster.Answer {
	return func(*cluster.Command) *cluster.Answer {
		return &cluster.Answer{Code: code, Text: "as asked", Body: &clientv1.Bought{}}
	}
}

func TestReplayIsANewRequestOfTheSameCaller(t *testing.T) {
	d := openDesk(t)
	a := &ann{next: 12, buy: answer(0)}
	d.play(a)
	id := d.keep(t, annsBuy, aBuy)
	got, err := d.replay(t, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := (&adminv1.ReplayDeadLetterResponse{Id: id, Request: 12, Text: "as asked", Dropped: true}); !proto.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	c := a.buys[0]
	want := &clientv1.Buy{Request: 12, Sku: "sword", Quantity: 2}
	if c.Request != 12 || !proto.Equal(c.Body, want) || c.Caller != (cluster.Caller{Player: "ann"}) || c.To.String() != "player/ann" || c.Method != "Buy" {
		t.Errorf("submitted %+v", c)
	}
	if left := d.kept(t); len(left) != 0 {
		t.Errorf("letters %v are left", left)
	}
	if _, err := d.replay(t, id, 0); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("again: %v, want not_found", err)
	}
}

// Without an answer nobody knows what has happened: the next replay must ask for
// the same request, or the player may pay twice.
func TestReplayAfterAnUnknownOutcomeAsksForTheSame(t *testing.T) {
	d := openDesk(t)
	a := &ann{next: 12, buy: answer(clientv1.Code_CODE_UNAVAILABLE)}
	d.play(a)
	id := d.keep(t, annsBuy, aBuy)
	got, err := d.replay(t, id, 0)
	if err != nil || got.GetDropped() || got.GetCode() != clientv1.Code_CODE_UNAVAILABLE || got.GetRequest() != 12 {
		t.Fatalf("%v, %v", got, err)
	}
	a.next, a.buy = 13, answer(0) // it was carried out
	if got, err = d.replay(t, id, 0); err != nil || !got.GetDropped() || got.GetRequest() != 12 || a.buys[1].Request != 12 {
		t.Errorf("%v, %v, asked for %v", got, err, a.buys)
	}
}

func TestReplaysAtOnceAskForTheSame(t *testing.T) {
	d := openDesk(t)
	a := &ann{buy: answer(clientv1.Code_CODE_UNAVAILABLE)}
	d.play(a)
	d.mu.Lock()
	d.act = func(c *cluster.Command) *cluster.Answer {
		a.next++ // each is told another number
		return a.act(c)
	}
	d.mu.Unlock()
	id := d.keep(t, annsBuy, aBuy)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := d.replay(t, id, 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range a.buys {
		if c.Request != a.buys[0].Request {
			t.Errorf("requests %d and %d for one letter", c.Request, a.buys[0].Request)
		}
	}
}

// The player is busy meanwhile, and uses the number for something else.
func TestReplayTakesAnotherNumberWhenItsIsUsed(t *testing.T) {
	d := openDesk(t)
	a := &ann{next: 12}
	a.buy = func(c *cluster.Command) *cluster.Answer {
		if c.Request == 12 {
			a.next = 13
			return answer(clientv1.Code_CODE_INVALID_ARGUMENT)(c)
		}
		return answer(0)(c)
	}
	d.play(a)
	got, err := d.replay(t, d.keep(t, annsBuy, aBuy), 0)
	if err != nil || got.GetRequest() != 13 || !got.GetDropped() || got.GetCode() != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReplayThatIsRefused(t *testing.T) {
	for code, dropped := range map[clientv1.Code]bool{
		clientv1.Code_CODE_SOLD_OUT: true, clientv1.Code_CODE_INSUFFICIENT_FUNDS: true,
		clientv1.Code_CODE_INVALID_ARGUMENT: false, clientv1.Code_CODE_NOT_FOUND: false, clientv1.Code_CODE_EXPIRED_REQUEST: false,
	} {
		t.Run(code.String(), func(t *testing.T) {
			d := openDesk(t)
			a := &ann{next: 12, buy: answer(code)}
			d.play(a)
			id := d.keep(t, annsBuy, aBuy)
			got, err := d.replay(t, id, 0)
			if err != nil || got.GetCode() != code || got.GetText() != "as asked" || got.GetDropped() != dropped || len(a.buys) != 1 {
				t.Errorf("%v, %v, asked %d times", got, err, len(a.buys))
			}
			if left := d.kept(t); (len(left) == 0) != dropped {
				t.Errorf("letters %v are left", left)
			}
		})
	}
}

// What fails again is a letter again, and one of the two is enough.
func TestReplayThatFailsAgain(t *testing.T) {
	d := openDesk(t)
	var newer uint64
	a := &ann{next: 12}
	a.buy = func(c *cluster.Command) *cluster.Answer {
		other, again := annsBuy, annsBuy
		other.Player, other.Actor, other.Request = "bob", "player/bob", c.Request
		again.Request = c.Request
		d.keep(t, other, aBuy)
		newer = d.keep(t, again, aBuy)
		return answer(clientv1.Code_CODE_INTERNAL)(c)
	}
	d.play(a)
	id := d.keep(t, annsBuy, aBuy)
	got, err := d.replay(t, id, 0)
	if err != nil || !got.GetDropped() || got.GetAgain() != newer || got.GetCode() != clientv1.Code_CODE_INTERNAL {
		t.Errorf("%v, %v, want letter %d again", got, err, newer)
	}
	if left := d.kept(t); len(left) != 2 || left[1] != newer {
		t.Errorf("letters %v are left", left)
	}
}

func TestWhatCannotBeReplayed(t *testing.T) {
	d := openDesk(t)
	a := &ann{next: 12, buy: answer(0)}
	d.play(a)
	spoken, timer, guild, odd, nobody := annsBuy, annsBuy, annsBuy, annsBuy, annsBuy
	spoken.Method, spoken.Request, spoken.From = "", 0, "stock/sword/0"
	timer.Method, timer.Request = "", 0
	guild.Actor, guild.Method = "guild/owls", "Deposit"
	odd.Actor, nobody.Actor = "player", "player/bob"
	unnumbered := annsBuy
	unnumbered.Request = 0
	refused, invalid := connect.CodeFailedPrecondition, connect.CodeInvalidArgument
	unknown := d.keep(t, annsBuy, nil)
	for name, tc := range map[string]struct {
		id, request uint64
		want        connect.Code
		says        string
	}{
		"said by an actor":      {d.keep(t, spoken, aBuy), 0, refused, "no command"},
		"a timer":               {d.keep(t, timer, nil), 0, refused, "no command"},
		"no number is known":    {d.keep(t, guild, wrapperspb.Int64(1)), 0, invalid, "guild/owls does not say"},
		"of another player":     {d.keep(t, nobody, aBuy), 0, invalid, "player/bob does not say"},
		"a number for nothing":  {d.keep(t, unnumbered, aBuy), 5, invalid, "has no number"},
		"no actor":              {d.keep(t, odd, aBuy), 0, refused, "no actor"},
		"a type unknown here":   {unknown, 0, refused, "cannot be decoded"},
		"a letter that is gone": {4711, 0, connect.CodeNotFound, "4711"},
	} {
		if _, err := d.replay(t, tc.id, tc.request); connect.CodeOf(err) != tc.want || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %s and %q", name, err, tc.want, tc.says)
		}
	}
	if len(a.buys) != 0 {
		t.Errorf("submitted %v", a.buys)
	}
	if left := d.kept(t); len(left) != 7 {
		t.Errorf("letters %v are left, want all 7", left)
	}
}

func TestReplayForOtherKindsAndOperators(t *testing.T) {
	d := openDesk(t)
	a := &ann{buy: answer(0)}
	d.play(a)
	guild, grant := annsBuy, annsBuy
	guild.Actor, guild.Method = "guild/owls", "Deposit"
	grant.Player, grant.Operator, grant.Method, grant.Request = "", true, "Grant", 0
	for _, tc := range []struct {
		letter  shard.DeadLetter
		body    proto.Message
		request uint64
		caller  cluster.Caller
	}{
		{guild, wrapperspb.Int64(5), 99, cluster.Caller{Player: "ann"}},
		{grant, &clusterv1.Grant{Id: "g", Amount: 1}, 0, cluster.Caller{Admin: true}},
	} {
		got, err := d.replay(t, d.keep(t, tc.letter, tc.body), tc.request)
		if err != nil || got.GetRequest() != tc.request || !got.GetDropped() {
			t.Errorf("%s: %v, %v", tc.letter.Method, got, err)
			continue
		}
		if c := a.buys[len(a.buys)-1]; c.Request != tc.request || c.Caller != tc.caller || !proto.Equal(c.Body, tc.body) {
			t.Errorf("%s: submitted %+v", tc.letter.Method, c)
		}
	}
}

func TestListAndDropLetters(t *testing.T) {
	d := openDesk(t)
	l := annsBuy
	l.Body = json.RawMessage(`{"sku" :  "sword"}`)
	var ids []uint64
	for range 5 {
		ids = append(ids, d.keep(t, l, aBuy))
	}
	ctx := t.Context()
	page, err := d.client.DeadLetters(ctx, req(&adminv1.DeadLettersRequest{After: ids[1], Limit: 2}))
	if err != nil {
		t.Fatal(err)
	}
	got := page.Msg.GetLetters()
	if page.Msg.GetKept() != 5 || len(got) != 2 || got[0].GetId() != ids[2] || got[0].GetBody() != `{"sku":"sword"}` || got[0].GetActor() != "player/ann" ||
		got[0].GetPlayer() != "ann" || got[0].GetRequest() != 7 || got[0].GetShard() != 3 || got[0].GetType() != "holdfast.client.v1.Buy" {
		t.Errorf("page %v", page.Msg)
	}
	drop := func(m *adminv1.DropDeadLettersRequest) (uint64, error) {
		resp, err := d.client.DropDeadLetters(ctx, req(m))
		if err != nil {
			return 0, err
		}
		return resp.Msg.GetDropped(), nil
	}
	if n, err := drop(&adminv1.DropDeadLettersRequest{Ids: []uint64{ids[0], ids[3]}}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := drop(&adminv1.DropDeadLettersRequest{Ids: []uint64{ids[0]}}); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("again: %v", err)
	}
	if n, err := drop(&adminv1.DropDeadLettersRequest{Through: ids[2]}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if left := d.kept(t); fmt.Sprint(left) != fmt.Sprint(ids[4:]) {
		t.Errorf("letters %v are left, want %v", left, ids[4:])
	}
	for _, m := range []*adminv1.DropDeadLettersRequest{{}, {Ids: []uint64{1}, Through: 1}, {Ids: make([]uint64, 1001)}} {
		if _, err := drop(m); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("drop %.40v: %v, want invalid_argument", m, err)
		}
	}
}
