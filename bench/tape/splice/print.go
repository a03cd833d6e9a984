package splice

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Print writes the summary for people.
func (s *Summary) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	length := time.Duration(s.Seconds * float64(time.Second)).Round(time.Millisecond)
	fmt.Fprintf(w, "tape\t%s, format %d, %s in %s\n", s.File, s.Version, size(uint64(s.Bytes)), figures.Plural(s.Blocks, "block"))
	switch {
	case s.Profile != "" && s.Node == "":
		fmt.Fprintf(w, "made up\tof profile %s\n", s.Profile)
	case s.Part > 0:
		fmt.Fprintf(w, "recorded\ton %s by %s, part %d of recording %s\n", s.Node, s.Build, s.Part, s.Recording)
	default:
		fmt.Fprintf(w, "recorded\ton %s by %s\n", s.Node, s.Build)
	}
	fmt.Fprintf(w, "time\tfrom %s, %s long\n", s.Started.UTC().Format(time.RFC3339), length)
	names := "named by their ids"
	if s.Hashed {
		names = "hashed with key " + s.KeyID
	}
	fmt.Fprintf(w, "players\t%d, %s\n", s.Players, names)
	fmt.Fprintf(w, "connections\t%d, at most %d at once\n", s.Connections, s.MostOpen)
	fmt.Fprintf(w, "records\t%d, and %d lost\n", s.Records, s.Dropped)
	if !s.Ended {
		fmt.Fprintln(w, "end\tthe recording was not ended: its writer writes still, or was killed")
	}
	if s.Damage != "" {
		fmt.Fprintf(w, "damage\t%s\n", s.Damage)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Frames) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nFRAMES\tBODY\tCOUNT\tPER SECOND\tON THE WIRE")
	for _, f := range s.Frames {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.1f\t%s\n", f.Direction, f.Body, f.Count, float64(f.Count)/max(s.Seconds, 1e-9), size(f.Wire))
	}
	return w.Flush()
}

// size is a number of bytes for people.
func size(n uint64) string {
	v, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

// Print writes the verdict for people.
func (v *Verdict) Print(out io.Writer) {
	if v.OK() {
		fmt.Fprintf(out, "%s: whole, %d records, %d lost\n", v.File, v.Records, v.Dropped)
		return
	}
	fmt.Fprintf(out, "%s: NOT as it should be; %d records can be read, %d lost\n", v.File, v.Records, v.Dropped)
	for _, p := range v.Problems {
		fmt.Fprintf(out, "  %s\n", p)
	}
	if v.More > 0 {
		fmt.Fprintf(out, "  and %d more\n", v.More)
	}
}
