package tape

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var testKey = []byte("a key of thirty-two bytes, or so")

// name is what the tests' key makes of a player.
func name(player string) string { return NewNames(testKey).Of([]byte(player)) }

// What becomes of each text of the protocol is decided. A new field is blank
// until somebody has thought about it: then run with -rewrite.
func TestEveryTextIsDecided(t *testing.T) {
	words := map[rule]string{plain: "stays", blank: "blank", player: "hashed", order: "hashed up to the slash", target: "hashed if a player's", remark: "hashed within"}
	var lines []string
	known := make(map[string]bool)
	for full, m := range rules.known {
		if !strings.HasPrefix(string(full), clientPackage) {
			continue
		}
		for _, f := range m.fields {
			if f.typ != protowire.BytesType || f.rule == inside || f.rule == dropped {
				continue
			}
			id := fmt.Sprintf("%s.%s", m.name, f.name)
			known[id] = true
			lines = append(lines, fmt.Sprintf("%-24s %s\n", id, words[f.rule]))
		}
	}
	slices.Sort(lines)
	for name := range rules.texts {
		if !known[string(name)] {
			t.Errorf("there is a rule for %s, which is no field", name)
		}
	}
	file, got := filepath.Join("testdata", "texts.txt"), strings.Join(lines, "")
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("what becomes of texts is not what was decided (%v):\n%s", err, got)
	}
}

func TestRedact(t *testing.T) {
	alice, bob := name("alice"), name("bob")
	now := timestamppb.Now()
	for _, tc := range []struct {
		name      string
		in, want  proto.Message
		unhashed  proto.Message // with players' ids; nil: as in
		fromAlice bool
	}{
		{
			name:     "the token of a Hello",
			in:       &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "eyJhbGciOi", Client: "test/1"}}},
			want:     &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "xxxxxxxxxx", Client: "test/1"}}},
			unhashed: &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "xxxxxxxxxx", Client: "test/1"}}},
		},
		{
			name:     "what is said",
			in:       &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_Say{Say: &clientv1.Say{Channel: "zone/dawn", Request: 3, Text: "hé"}}},
			want:     &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_Say{Say: &clientv1.Say{Channel: "zone/dawn", Request: 3, Text: "xxx"}}},
			unhashed: &clientv1.ClientFrame{Seq: 2, Body: &clientv1.ClientFrame_Say{Say: &clientv1.Say{Channel: "zone/dawn", Request: 3, Text: "xxx"}}},
		},
		{
			name: "a purchase",
			in:   &clientv1.ClientFrame{Seq: 300, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 9, Sku: "sword", Quantity: 2, MaxPrice: -1}}},
			want: &clientv1.ClientFrame{Seq: 300, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 9, Sku: "sword", Quantity: 2, MaxPrice: -1}}},
		},
		{
			name: "a call to a player",
			in:   &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "player", Id: "bob", Method: "Get", Payload: []byte{1, 2}}}},
			want: &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "player", Id: bob, Method: "Get", Payload: []byte{1, 2}}}},
		},
		{
			name: "a call to another kind",
			in:   &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "guild", Id: "bob", Method: "Get"}}},
			want: &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "guild", Id: "bob", Method: "Get"}}},
		},
		{
			name: "a call to another kind that has the player's name", fromAlice: true,
			in:   &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "mailbox", Id: "alice", Method: "Get"}}},
			want: &clientv1.ClientFrame{Seq: 3, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "mailbox", Id: alice, Method: "Get"}}},
		},
		{
			name: "a Welcome",
			in:   &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{Session: "S1", Player: "alice", ServerTime: now, Limits: &clientv1.Limits{RequestsPerSecond: 20}, NextRequest: 4}}},
			want: &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{Session: name("S1"), Player: alice, ServerTime: now, Limits: &clientv1.Limits{RequestsPerSecond: 20}, NextRequest: 4}}},
		},
		{
			name: "a player with orders",
			in: &clientv1.ServerFrame{Seq: 2, Body: &clientv1.ServerFrame_Player{Player: &clientv1.Player{Id: "alice", Wallet: map[string]int64{"gold": 3},
				Orders: []*clientv1.Order{{Id: "alice/1", Request: 1, Sku: "sword"}, {Id: "a/li/ce/2"}, {Id: "odd"}}}}},
			want: &clientv1.ServerFrame{Seq: 2, Body: &clientv1.ServerFrame_Player{Player: &clientv1.Player{Id: alice, Wallet: map[string]int64{"gold": 3},
				Orders: []*clientv1.Order{{Id: alice + "/1", Request: 1, Sku: "sword"}, {Id: name("a/li/ce") + "/2"}, {Id: name("odd")}}}}},
		},
		{
			name: "lines of chat",
			in: &clientv1.ServerFrame{Seq: 5, Body: &clientv1.ServerFrame_ChatHistory{ChatHistory: &clientv1.ChatHistory{Channel: "group/red", Lines: []*clientv1.ChatLine{
				{Channel: "group/red", Id: 1, Player: "alice", Text: strings.Repeat("secret ", 40), At: now}, {Id: 2, Text: "from nobody"}}}}},
			want: &clientv1.ServerFrame{Seq: 5, Body: &clientv1.ServerFrame_ChatHistory{ChatHistory: &clientv1.ChatHistory{Channel: "group/red", Lines: []*clientv1.ChatLine{
				{Channel: "group/red", Id: 1, Player: alice, Text: strings.Repeat("xxxxxxx", 40), At: now}, {Id: 2, Text: "xxxxxxxxxxx"}}}}},
			unhashed: &clientv1.ServerFrame{Seq: 5, Body: &clientv1.ServerFrame_ChatHistory{ChatHistory: &clientv1.ChatHistory{Channel: "group/red", Lines: []*clientv1.ChatLine{
				{Channel: "group/red", Id: 1, Player: "alice", Text: strings.Repeat("xxxxxxx", 40), At: now}, {Id: 2, Text: "xxxxxxxxxxx"}}}}},
		},
		{
			name: "who comes and goes",
			in:   &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Presence{Presence: &clientv1.Presence{Channel: "zone/dawn", Joined: []*clientv1.Person{{Player: "alice", Entity: 3}}, Left: []*clientv1.Person{{Player: "bob"}}, Total: 1}}},
			want: &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Presence{Presence: &clientv1.Presence{Channel: "zone/dawn", Joined: []*clientv1.Person{{Player: alice, Entity: 3}}, Left: []*clientv1.Person{{Player: bob}}, Total: 1}}},
		},
		{
			name: "an error that names the player", fromAlice: true,
			in:   &clientv1.ServerFrame{Seq: 6, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_NOT_FOUND, Text: "alice has no sword"}}},
			want: &clientv1.ServerFrame{Seq: 6, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_NOT_FOUND, Text: alice + " has no sword"}}},
		},
		{
			name: "streams that end",
			in:   &clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{1, 2, 300}}}},
			want: &clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{1, 2, 300}}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			self := ""
			if tc.fromAlice {
				self = "alice"
			}
			check(t, &redactor{names: NewNames(testKey)}, tc.in, tc.want, self)
			want := tc.unhashed
			if want == nil {
				want = tc.in
			}
			check(t, new(redactor), tc.in, want, self)
		})
	}
}

func check(t *testing.T, x *redactor, in, want proto.Message, self string) {
	t.Helper()
	redact := x.server
	if _, ok := in.(*clientv1.ClientFrame); ok {
		redact = x.client
	}
	out, ok := redact([]byte("before"), encode(t, in), self)
	got := in.ProtoReflect().New().Interface()
	if !ok || !bytes.HasPrefix(out, []byte("before")) || proto.Unmarshal(out[6:], got) != nil || !proto.Equal(got, want) {
		t.Errorf("got %t %s\nwant %s", ok, prototext.Format(got), prototext.Format(want))
	}
}

// What the protocol does not have is not kept, wherever it stands: a client may
// send what it likes.
func TestUnknownFieldsAreDropped(t *testing.T) {
	secret := []byte("the token again")
	buy := encode(t, &clientv1.Buy{Request: 1, Sku: "sword"})
	buy = protowire.AppendBytes(protowire.AppendTag(buy, 90, protowire.BytesType), secret)
	// The right number, and not what belongs there.
	buy = protowire.AppendBytes(protowire.AppendTag(buy, 1, protowire.BytesType), secret)
	frame := protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), buy)
	frame = protowire.AppendBytes(protowire.AppendTag(frame, 2_000_000, protowire.BytesType), secret)
	frame = protowire.AppendTag(frame, 5, protowire.StartGroupType)
	frame = protowire.AppendBytes(protowire.AppendTag(frame, 1, protowire.BytesType), secret)
	frame = protowire.AppendTag(frame, 5, protowire.EndGroupType)
	out, ok := new(redactor).client(nil, frame, "")
	want := encode(t, &clientv1.ClientFrame{Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 1, Sku: "sword"}}})
	if !ok || !bytes.Equal(out, want) {
		t.Errorf("got %t %q, want %q", ok, out, want)
	}
}

// FuzzRedact: what comes out is a message where what went in was one, and has
// nothing of the texts that must not be kept.
func FuzzRedact(f *testing.F) {
	f.Add(encode(f, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "SECRET", Client: "c"}}}))
	f.Add(encode(f, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Kind: "player", Id: "bob"}}}))
	f.Add([]byte{0x12, 0x03, 0x0a, 0x05})
	f.Fuzz(func(t *testing.T, frame []byte) {
		x := &redactor{names: NewNames(testKey)}
		out, ok := x.client(nil, frame, "bob")
		in, got := new(clientv1.ClientFrame), new(clientv1.ClientFrame)
		if proto.Unmarshal(frame, in) != nil {
			return
		}
		if !ok {
			t.Fatalf("%q is a frame", frame)
		}
		if err := proto.Unmarshal(out, got); err != nil {
			t.Fatalf("%q became %q: %v", frame, out, err)
		}
		if strings.Trim(got.GetHello().GetToken()+got.GetSay().GetText(), "x") != "" || len(got.ProtoReflect().GetUnknown()) > 0 {
			t.Fatalf("%q became %q", frame, out)
		}
		if got.GetSeq() != in.GetSeq() || !proto.Equal(got.GetBuy(), withoutUnknown(in.GetBuy())) {
			t.Fatalf("%v became %v", in, got)
		}
		if _, ok := x.server(nil, frame, "bob"); ok {
			return
		}
	})
}

func withoutUnknown(b *clientv1.Buy) *clientv1.Buy {
	if b == nil {
		return nil
	}
	b.ProtoReflect().SetUnknown(nil)
	return b
}
