package history

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadLog(t *testing.T) {
	const dump = `{"log":"a","entry":1,"incarnation":"n1","kind":"player","id":"ann","seq":3,"shard":7,"epoch":2,"type":"PlayerEvent","event":{"acknowledged":["4"],"completed":{"request":"5","sku":"sword","slice":1,"quantity":"2","price":"10","currency":"gold"}}}
{"log":"a","entry":1,"incarnation":"n1","kind":"stock","id":"sword/1","seq":9,"shard":8,"epoch":1,"type":"StockEvent","event":{"reserved":{"player":"ann","request":"5","quantity":"2","aFieldOfTheFuture":1}}}
{"log":"a","entry":2,"incarnation":"n1","kind":"guild","id":"g","seq":1,"shard":9,"epoch":1,"type":"Event","event":{"what":"ever"}}
{"log":"a","entry":3,"seal":true,"by":"n2"}
`
	var got []string
	if err := ReadLog(strings.NewReader(dump), func(r *Record) error {
		got = append(got, fmt.Sprintf("%s/%d %s %s/%s#%d shard %d epoch %d %t %s %d %d", r.Log, r.Entry, r.Incarnation, r.Kind, r.ID, r.Seq,
			r.Shard, r.Epoch, r.Seal, r.By, r.Player.GetCompleted().GetPrice(), r.Stock.GetReserved().GetQuantity()))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := `a/1 n1 player/ann#3 shard 7 epoch 2 false  10 0
a/1 n1 stock/sword/1#9 shard 8 epoch 1 false  0 2
a/2 n1 guild/g#1 shard 9 epoch 1 false  0 0
a/3  /#0 shard 0 epoch 0 true n2 0 0`
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Lines are decoded on several cores and come in order all the same; whoever has
// seen enough leaves nothing behind.
func TestReadLogKeepsTheOrder(t *testing.T) {
	var b strings.Builder
	const lines = 20*dumpBatch + 7
	for i := range lines {
		fmt.Fprintf(&b, `{"log":"a","entry":%d,"kind":"player","id":"ann","seq":1,"event":{}}`+"\n", i+1)
	}
	next := uint64(1)
	if err := ReadLog(strings.NewReader(b.String()), func(r *Record) error {
		if r.Entry != next {
			t.Fatalf("got entry %d, want %d", r.Entry, next)
		}
		next++
		return nil
	}); err != nil || next != lines+1 {
		t.Errorf("got %v after %d lines, want %d", err, next-1, lines)
	}
	enough := errors.New("enough")
	if err := ReadLog(strings.NewReader(b.String()), func(r *Record) error {
		if r.Entry == 300 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
}

func TestReadLogRefusesWhatIsNoDump(t *testing.T) {
	good := `{"log":"a","entry":1,"kind":"player","id":"ann","seq":1,"event":{}}` + "\n"
	for name, tc := range map[string]struct{ text, want string }{
		"no JSON":         {good + "entry 2\n", "line 2"},
		"no log":          {good + `{"entry":1}` + "\n", `log ""`},
		"no entry":        {`{"log":"a"}` + "\n", "entry 0"},
		"no event number": {`{"log":"a","entry":1,"kind":"player","id":"x"}` + "\n", "event 0"},
		"another event":   {`{"log":"a","entry":1,"kind":"player","id":"x","seq":1,"event":[]}` + "\n", "event 1 of player/x"},
		"raw bytes":       {`{"log":"a","entry":1,"kind":"stock","id":"x/0","seq":1,"raw":"AA=="}` + "\n", "event 1 of stock/x/0"},
		"cut off":         {good + `{"log":"a","ent`, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := ReadLog(strings.NewReader(tc.text), func(*Record) error { return nil }); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
