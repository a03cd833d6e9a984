package replay

import (
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/bench/report"
)

func TestPrintOfNothing(t *testing.T) {
	var out strings.Builder
	if err := Print(&out, &report.Run{Settings: []report.Setting{{Name: "Tape", Value: "a.tape"}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Tape ", "a.tape\n", "Latency   of none\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q", out.String(), want)
		}
	}
}
