package journal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

func TestDumpPrintsEveryRecordAndSeal(t *testing.T) {
	w := newTown(t)
	a := w.writer("a-1")
	opening, err := proto.Marshal(&journalv1.PlayerEvent{Watermark: 7})
	must(t, err)
	w.add(a, plus(0, 1, "x", 1, 5), journal.Record{Shard: 3, Epoch: 2, Kind: "player", ID: "p<1>", Seq: 1, Event: opening})
	w.add(a, plus(0, 1, "x", 2, 6))
	_, err = journal.Seal(t.Context(), w.js, w.logName("a-1"), "b-1")
	must(t, err)
	b := w.writer("b-1")
	w.add(b, plus(0, 2, "x", 3, 7))

	got, err := w.run("dump")
	must(t, err)
	head := func(log cluster.Incarnation, entry int) string {
		return fmt.Sprintf(`{"log":"%s","entry":%d,`, w.logName(log), entry)
	}
	want := head("a-1", 1) + `"incarnation":"a-1","kind":"tally","id":"x","seq":1,"shard":0,"epoch":1,"type":"Int64Value","event":"5"}
` + head("a-1", 1) + `"incarnation":"a-1","kind":"player","id":"p<1>","seq":1,"shard":3,"epoch":2,"type":"PlayerEvent","event":{"watermark":"7"}}
` + head("a-1", 2) + `"incarnation":"a-1","kind":"tally","id":"x","seq":2,"shard":0,"epoch":1,"type":"Int64Value","event":"6"}
` + head("a-1", 3) + `"seal":true,"by":"b-1"}
` + head("b-1", 1) + `"incarnation":"b-1","kind":"tally","id":"x","seq":3,"shard":0,"epoch":2,"type":"Int64Value","event":"7"}
`
	if got != want {
		t.Errorf("dump: got\n%swant\n%s", got, want)
	}
	for filter, lines := range map[string]int{
		"--log=" + string(w.logName("b-1")): 1,
		"--shard=3":                         1,
		"--shard=1":                         0,
		"--actor=tally/x":                   3,
	} {
		got, err := w.run("dump", filter)
		must(t, err)
		if n := strings.Count(got, "\n"); n != lines {
			t.Errorf("dump %s: got %d lines, want %d:\n%s", filter, n, lines, got)
		}
	}
}

func TestDumpOfWhatCannotBeDecoded(t *testing.T) {
	w := newTown(t)
	a := w.writer("a-1")
	w.add(a, journal.Record{Shard: 1, Epoch: 1, Kind: "castle", ID: "c", Seq: 1, Event: []byte{1, 2}})
	w.add(a, journal.Record{Shard: 1, Epoch: 1, Kind: "tally", ID: "c", Seq: 1, Event: []byte{0xff}})
	got, err := w.run("dump")
	if err == nil || !strings.Contains(err.Error(), "2 records") {
		t.Errorf("dump: got error %v, want one that counts 2 records", err)
	}
	for _, raw := range []string{`"raw":"AQI="`, `"raw":"/w=="`} {
		if !strings.Contains(got, raw) {
			t.Errorf("dump: got\n%swant %s in it", got, raw)
		}
	}
}

// A command that only reads must not create what it does not find.
func TestNothingIsCreated(t *testing.T) {
	w := newTown(t)
	if _, err := w.run("dump", "--prefix", "/elsewhere"); !errors.Is(err, cluster.ErrNoCluster) {
		t.Errorf("dump of no cluster: got %v, want ErrNoCluster", err)
	}
	if _, err := w.run("dump", "--prefix", "/elsewhere"); !errors.Is(err, cluster.ErrNoCluster) {
		t.Errorf("dump of no cluster, again: got %v, want ErrNoCluster", err)
	}
}
