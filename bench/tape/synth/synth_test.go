package synth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func profile(t testing.TB, name string) *Spec {
	t.Helper()
	text, err := Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func synthesise(t testing.TB, s *Spec) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := tape.NewWriter(&out, s.Header())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Synthesise(s, w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// each calls fn with every record, and the frame of those that have one.
func each(t testing.TB, file []byte, fn func(r *tape.Record, f *clientv1.ClientFrame)) {
	t.Helper()
	in, err := tape.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var rec tape.Record
	for {
		switch err := in.Next(&rec); {
		case err == io.EOF:
			return
		case err != nil:
			t.Fatal(err)
		}
		f := new(clientv1.ClientFrame)
		if err := proto.Unmarshal(rec.Frame, f); err != nil {
			t.Fatal(err)
		}
		fn(&rec, f)
	}
}

// Each profile makes a tape of players who behave as clients do.
func TestProfiles(t *testing.T) {
	if got := fmt.Sprint(Profiles()); got != "[mixed sale world]" {
		t.Errorf("profiles: %s", got)
	}
	for _, name := range Profiles() {
		t.Run(name, func(t *testing.T) {
			s := profile(t, name)
			if s.Name != name {
				t.Errorf("it is called %q", s.Name)
			}
			s.Scale(200, 0)
			type state struct {
				open                bool
				frames, seq, bought uint64
			}
			players, conns, last := make(map[string]bool), make(map[uint64]*state), time.Duration(0)
			each(t, synthesise(t, s), func(r *tape.Record, f *clientv1.ClientFrame) {
				if last = r.At; r.At > s.Duration {
					t.Fatalf("%v is after the end", r.At)
				}
				c := conns[r.Conn]
				switch {
				case r.Kind == tape.Opened && c == nil:
					players[r.Player], conns[r.Conn] = true, &state{open: true}
				case r.Kind == tape.Closed && c.open:
					c.open = false
				case r.Kind == tape.Received && c.open:
					if c.frames++; (c.frames == 1) != (f.GetHello() != nil) {
						t.Fatalf("frame %d is %v", c.frames, f)
					}
					if f.GetSeq() != c.seq+1 || f.GetBody() == nil {
						t.Fatalf("%v after seq %d", f, c.seq)
					}
					c.seq++
					if b := f.GetBuy(); b != nil {
						if b.GetRequest() != c.bought+1 {
							t.Fatalf("%v after request %d", f, c.bought)
						}
						c.bought++
					}
				default:
					t.Fatalf("%v, when the connection is %+v", r, c)
				}
			})
			if len(players) != 200 || len(conns) != 200 || last < s.Duration/2 {
				t.Errorf("%d players on %d connections until %v", len(players), len(conns), last)
			}
		})
	}
}

func TestSameSeedSameTape(t *testing.T) {
	s := profile(t, "mixed")
	s.Scale(100, 5*time.Minute)
	first := synthesise(t, s)
	if !bytes.Equal(first, synthesise(t, s)) {
		t.Error("twice is not the same")
	}
	s.Seed++
	if bytes.Equal(first, synthesise(t, s)) {
		t.Error("another seed is the same")
	}
}

// When the countdown ends, everybody buys; before, nearly nobody does.
func TestSaleHasASpike(t *testing.T) {
	s := profile(t, "sale")
	s.Scale(500, 0)
	sale := s.Crowds[1].Sale.At
	var before, within float64
	hot := 0
	each(t, synthesise(t, s), func(r *tape.Record, f *clientv1.ClientFrame) {
		switch b := f.GetBuy(); {
		case b == nil:
		case r.At < sale && r.At >= sale-10*time.Second:
			before++
		case r.At >= sale && r.At < sale+2*time.Second:
			within++
			if b.GetSku() == "sku-1" {
				hot++
			}
		}
	})
	if within/2 < 50*(before/10) || float64(hot) < 0.95*within {
		t.Errorf("%.0f purchases in the 10 s before, %.0f in the 2 s after, %d of the hot product", before, within, hot)
	}
}

func TestPopularity(t *testing.T) {
	for _, s := range []float64{0, 0.8, 1.2} {
		const n, draws = 100, 200_000
		p, counts := zipf(n, s), make([]int, n+1)
		var c chance
		c.seed(1, 2)
		for range draws {
			counts[p.pick(&c)]++
		}
		for _, k := range []int{2, 10} {
			got, want := float64(counts[1])/float64(counts[k]), math.Pow(float64(k), s)
			if math.Abs(got/want-1) > 0.15 {
				t.Errorf("exponent %g: the first is %.2f times as popular as number %d, want %.2f", s, got, k, want)
			}
		}
	}
}

func TestSpans(t *testing.T) {
	var c chance
	c.seed(3, 4)
	span, shorter, long := Span{Median: time.Second, Spread: 1}, 0, 0
	const draws = 50_000
	for range draws {
		switch d := c.span(span); {
		case d < 0:
			t.Fatal(d)
		case d < time.Second:
			shorter++
		case d > 2718*time.Millisecond:
			long++
		}
	}
	if got := float64(shorter) / draws; math.Abs(got-0.5) > 0.01 {
		t.Errorf("%.3f are shorter than the median", got)
	}
	if got := float64(long) / draws; math.Abs(got-0.1587) > 0.01 {
		t.Errorf("%.3f are longer than one standard deviation", got)
	}
	if d := c.span(Span{Median: time.Hour, Spread: 0}); d != time.Hour {
		t.Errorf("without a spread: %v", d)
	}
}

func TestArrivals(t *testing.T) {
	for shape, want := range map[string][2]float64{"even": {0.25, 0.25}, "rush": {0.015625, 0.578}, "wave": {0.0908, 0.0908}} {
		var c chance
		c.seed(5, 6)
		var early, late float64
		const draws = 40_000
		for range draws {
			switch d := c.arrival(Arrival{From: 100, To: 1100, Shape: shape}); {
			case d < 100 || d > 1100:
				t.Fatal(d)
			case d < 350:
				early++
			case d >= 850:
				late++
			}
		}
		if math.Abs(early/draws-want[0]) > 0.01 || math.Abs(late/draws-want[1]) > 0.01 {
			t.Errorf("%s: %.3f in the first quarter, %.3f in the last, want %.3f", shape, early/draws, late/draws, want)
		}
	}
}

func TestScale(t *testing.T) {
	s := profile(t, "sale")
	s.Scale(101, 5*time.Minute)
	if got := s.Crowds[0].Players + s.Crowds[1].Players; got != 101 || s.Crowds[0].Players != 10 {
		t.Errorf("%d players, %d of the first crowd", got, s.Crowds[0].Players)
	}
	if s.Crowds[1].Sale.At != 2*time.Minute || s.Crowds[1].Arrive.To != 2*time.Minute || s.Crowds[1].Think.Median != 12*time.Second {
		t.Errorf("got %+v", s.Crowds[1])
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

func TestSpecRefuses(t *testing.T) {
	const good = "duration: 1m\nproducts: {count: 1}\nzones: [{name: z, width: 1, height: 1}]\ncrowds:\n- {name: a, players: 1, think: {median: 1s}"
	if _, err := Parse([]byte(good + "}")); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                    "duration",
		"duration: soon":                      "soon",
		"duration: 1m":                        "no players",
		"duration: 1m\nplayers: 3":            "field players not found",
		good + ", thinks: 1}":                 "field thinks not found",
		good + ", then: {fly: 1}}":            `"fly" is nothing that players do`,
		good + ", then: {walk: 1}}":           "walk: needs a zone",
		good + ", zone: z, then: {walk: -1}}": "then: walk",
		good + ", zone: y}":                   `"y" is not among the zones`,
		good + ", arrive: {to: 2m}}":          "arrive: from",
		good + ", arrive: {shape: mad}}":      "shape",
		good + ", stay: {median: -1s}}":       "stay: median",
		good + ", sale: {at: 2m}}":            "sale: at",
		good + ", sale: {product: 2}}":        "sale: product",
		good + ", sale: {product: 1}}":        "sale: tries",
		good + "}\n- {name: a, players: 1}":   "is there twice",
		"duration: 1m\ncrowds: [{name: a, players: 1, first: [buy]}]":         "needs products",
		"duration: 1m\ncrowds: [{name: a, players: 1, then: {ping: 1}}]":      "think: median",
		"duration: 1m\ncrowds: [{players: 1}]":                                "name: empty",
		"duration: 1m\ncrowds: [{name: a, players: -1}]":                      "players: -1",
		"duration: 1m\nzones: [{name: z}]":                                    "zone \"z\"",
		"duration: 1m\nproducts: {zipf: -1}\ncrowds: [{name: a, players: 1}]": "products",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func BenchmarkSynthesise(b *testing.B) {
	s := profile(b, "mixed")
	s.Scale(1000, 5*time.Minute)
	records := 0
	for b.Loop() {
		file := synthesise(b, s)
		in, err := tape.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			b.Fatal(err)
		}
		records += int(in.Info().Records)
		in.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}
