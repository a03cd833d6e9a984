package gateway_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// protocolExamples returns the frames that docs/protocol.md shows: who sends it,
// in hexadecimal, as JSON.
func protocolExamples(t *testing.T) [][]string {
	t.Helper()
	doc, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```(client|server)\n(.*?)\n([{].*?)\n```").FindAllStringSubmatch(string(doc), -1)
	if len(examples) < 40 {
		t.Fatalf("found %d examples", len(examples))
	}
	return examples
}

// The frames that docs/protocol.md shows must be frames, and the two forms of
// each must say the same.
func TestProtocolExamples(t *testing.T) {
	for _, e := range protocolExamples(t) {
		var fromBinary, fromJSON proto.Message = new(clientv1.ClientFrame), new(clientv1.ClientFrame)
		if e[1] == "server" {
			fromBinary, fromJSON = new(clientv1.ServerFrame), new(clientv1.ServerFrame)
		}
		data, err := hex.DecodeString(strings.Join(strings.Fields(e[2]), ""))
		if err == nil {
			err = proto.UnmarshalOptions{}.Unmarshal(data, fromBinary)
		}
		if err != nil {
			t.Errorf("%s\n%v", e[2], err)
			continue
		}
		if err := protojson.Unmarshal([]byte(e[3]), fromJSON); err != nil {
			t.Errorf("%s\n%v", e[3], err)
			continue
		}
		if !proto.Equal(fromBinary, fromJSON) {
			again, _ := proto.MarshalOptions{Deterministic: true}.Marshal(fromJSON)
			t.Errorf("binary %v\nJSON %v, which is\n% x", fromBinary, fromJSON, again)
		}
	}
}

// The delta frames that it shows can be followed.
func TestProtocolDeltaFrames(t *testing.T) {
	d := delta.NewDecoder(delta.World)
	frames := 0
	for _, e := range protocolExamples(t) {
		f := new(clientv1.ServerFrame)
		if e[1] != "server" || protojson.Unmarshal([]byte(e[3]), f) != nil {
			continue
		}
		frame := append(f.GetWorldKey().GetFrame(), f.GetWorld().GetFrame()...)
		if len(frame) == 0 {
			continue
		}
		frames++
		if err := d.Decode(frame); err != nil {
			t.Errorf("decode %v: %v", f, err)
		}
	}
	if i, ok := d.Table().Find(1); frames != 2 || !ok || !slices.Equal(d.Table().Row(i), []uint32{512, 500, 0, 1000, 1}) {
		t.Errorf("after %d frames there are %d entities", frames, d.Table().Len())
	}
}

// Every code is explained, under its number.
func TestProtocolCodes(t *testing.T) {
	doc, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range clientv1.Code_name {
		row := regexp.MustCompile("(?m)^\\| `" + strings.TrimPrefix(name, "CODE_") + "` \\| " + strconv.Itoa(int(n)) + " \\|")
		if n != 0 && !row.Match(doc) {
			t.Errorf("%s (%d) has no row in the table of errors", name, n)
		}
	}
}
