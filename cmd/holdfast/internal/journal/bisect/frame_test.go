package bisect

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/conversation.txt anew")

func tallies(t testing.TB) *actors.Registry {
	t.Helper()
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	kinds, err := actors.NewRegistry(actors.Kind{Name: "tally", Event: number, State: number, New: func(string) actors.Behaviour {
		return &tally{build: plain}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// asked is a conversation from the parent's side: a state, events of two actors,
// one of them of a kind that nobody knows, and a look at what came of it.
func asked(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	p := newPipe(nil, &out)
	number := func(n int64) []byte {
		b, err := proto.Marshal(wrapperspb.Int64(n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	x, c := actors.Ref{Kind: "tally", ID: "x"}, actors.Ref{Kind: "castle", ID: "c"}
	body := appendItem(nil, &Item{Actor: x, Seq: 2, State: true, Data: number(30)})
	body = appendItem(body, &Item{Actor: c, Seq: 1, Data: []byte{1, 2}})
	body = appendItem(body, &Item{Actor: x, Seq: 3, Data: number(5)})
	for _, f := range []struct {
		typ  byte
		body []byte
	}{
		{typeFold, body},
		{typeFold, appendItem(nil, &Item{Actor: x, Seq: 5, Data: number(5)})},
		{typeShow, appendString(appendString(appendString(nil, "tally"), "x"), number(5))},
	} {
		if err := p.write(f.typ, f.body); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// Builds of other times speak the same language: the bytes must not change.
func TestConversation(t *testing.T) {
	var said bytes.Buffer
	if err := Serve(bytes.NewReader(asked(t)), &said, "v1.2.3", tallies(t)); err != nil {
		t.Fatal(err)
	}
	got := "asked\n" + hex.Dump(asked(t)) + "said\n" + hex.Dump(said.Bytes())
	const file = "testdata/conversation.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !strings.Contains(said.String(), `"35"`) {
		t.Errorf("the tally is not 35:\n%s", hex.Dump(said.Bytes()))
	}
}

func TestHelloOfAnotherVersion(t *testing.T) {
	b := &build{pipe: newPipe(bytes.NewReader(append([]byte{17, 0, 0, 0, typeHello, 13}, greeting+"\x02\x00"...)), nil)}
	if err := b.hello(); err == nil || !strings.Contains(err.Error(), "version 2 of the protocol") {
		t.Errorf("got %v", err)
	}
}

// Whatever comes in, the child says what is wrong with it.
func FuzzServe(f *testing.F) {
	f.Add(asked(f))
	f.Add([]byte{255, 255, 255, 3, 'F'})
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if err := Serve(bytes.NewReader(in), &out, "fuzzed", tallies(t)); err != nil && !errors.Is(err, errBroken) &&
			!strings.HasPrefix(err.Error(), "read: ") {
			t.Errorf("got %v", err)
		}
	})
}
