package gateway_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// The frames that docs/protocol.md shows must be frames, and the two forms of
// each must say the same.
func TestProtocolExamples(t *testing.T) {
	doc, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```(client|server)\n(.*?)\n([{].*?)\n```").FindAllStringSubmatch(string(doc), -1)
	if len(examples) < 40 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, e := range examples {
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
