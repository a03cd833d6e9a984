package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/tape"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const ms = time.Millisecond

// spell is a time in which an engine used so much of a processor, and was late.
type spell struct {
	length, processor time.Duration
	late              int64
	worst             time.Duration
}

func TestWhyAnEngineIsLate(t *testing.T) {
	for name, tc := range map[string]struct {
		spells    []spell
		used      float64
		from, to  time.Duration
		saturated time.Duration
	}{
		"it never is": {[]spell{{20 * ms, 10 * ms, 0, 0}}, 0, 0, 0, 0},
		// The time in which nothing was due does not count.
		"a burst after a pause": {[]spell{{200 * ms, 0, 0, 0}, {20 * ms, 20 * ms, 100, 20 * ms}, {20 * ms, 20 * ms, 100, 40 * ms}}, 1, 200 * ms, 240 * ms, 40 * ms},
		// What it does to catch up is not why it is late.
		"it was stopped":      {[]spell{{20 * ms, 1 * ms, 0, 0}, {300 * ms, 0, 0, 0}, {20 * ms, 20 * ms, 100, 300 * ms}}, 20. / 320, 20 * ms, 340 * ms, 20 * ms},
		"it shares its core":  {[]spell{{20 * ms, 10 * ms, 10, 10 * ms}, {20 * ms, 10 * ms, 10, 20 * ms}}, 0.5, 0, 40 * ms, 0},
		"it does all it can":  {[]spell{{20 * ms, 20 * ms, 10, 10 * ms}, {20 * ms, 19 * ms, 10, 20 * ms}}, 39. / 40, 0, 40 * ms, 40 * ms},
		"for longer than was": {[]spell{{20 * ms, 20 * ms, 10, time.Hour}}, 1, 0, 20 * ms, 20 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			var s strain
			var at stretch
			var now moment
			s.look(&at, now)
			for _, p := range tc.spells {
				for range p.late {
					at.delayed(p.worst, false)
				}
				at.delayed(delayTooLong, true) // which is not late
				now = moment{now.at + p.length, now.processor + p.processor}
				s.look(&at, now)
			}
			if s.Used < tc.used-0.05 || s.Used > tc.used+0.05 || s.From != tc.from || s.To != tc.to || s.Saturated != tc.saturated {
				t.Errorf("got %+v, want %.2f of a core from %s to %s, and all of it for %s", s, tc.used, tc.from, tc.to, tc.saturated)
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	well := &ended{Took: time.Second}
	full := &ended{Took: time.Second, Strain: strain{Late: 5000, Worst: 830 * ms, From: 100 * ms, To: 900 * ms, Used: 0.97, Saturated: 800 * ms, Held: 900}}
	starved := &ended{Took: time.Second, Strain: strain{Late: 300, Worst: 40 * ms, From: 0, To: time.Second, Used: 0.3}}
	busy := &ended{Took: time.Second, Strain: strain{Saturated: time.Second, Held: 900}}
	for name, tc := range map[string]struct {
		workers []*ended
		held    int64
		unpaced bool
		limit   string
		because []string
	}{
		"nobody":                            {workers: []*ended{well, well}, held: 10},
		"a hiccup":                          {workers: []*ended{{Took: time.Second, Strain: strain{Late: 3, Worst: time.Second}}}},
		"a worker":                          {workers: []*ended{well, full, starved}, limit: "generator", because: []string{"worker 2 of 3", "5,000 times more than 5ms after it could, up to 830ms, between 0.1 and 0.9 s", "whole core", "--speed"}},
		"a worker, whatever the server did": {workers: []*ended{full}, held: 5000, limit: "generator", because: []string{"worker 1 of 1"}},
		"what follows from being late":      {workers: []*ended{{Took: time.Second, Strain: strain{Sent: 5000, Late: 20, Behind: 900, Worst: 40 * ms, Used: 0.2}}}, held: 1000, limit: "generator", because: []string{"20% of a core"}},
		"the machine":                       {workers: []*ended{well, starved}, limit: "generator", because: []string{"worker 2 of 2", "30% of a core", "another machine"}},
		"the server":                        {workers: []*ended{well}, held: 1000, limit: "server"},
		"the server, on one machine":        {workers: []*ended{starved}, held: 1000, limit: "server"},
		"a worker that reads too slowly":    {workers: []*ended{busy}, held: 1000, limit: "generator", because: []string{"GENERATOR", "no time to spare"}},
		"the server, unpaced":               {workers: []*ended{well, full}, held: 5000, unpaced: true},
		"a worker, unpaced":                 {workers: []*ended{well, busy}, unpaced: true, limit: "generator", because: []string{"worker 2 of 2", "whole core"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &run{Config: Config{Unpaced: tc.unpaced, Workers: len(tc.workers)}, counts: counts{sent: 10_000, held: tc.held}}
			for n, e := range tc.workers {
				r.crew = append(r.crew, &crewMate{number: n, end: e})
			}
			v := r.judgeRate()
			if v.limit != tc.limit || (v.because == "") != (tc.because == nil) {
				t.Errorf("got %+v, want %q", v, tc.limit)
			}
			for _, want := range tc.because {
				if !strings.Contains(v.because, want) {
					t.Errorf("got %q, want to hear %q", v.because, want)
				}
			}
		})
	}
}

// A server that takes its time makes requests wait, and is not the generator.
func TestSlowServerIsTheLimit(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		<-time.After(20 * ms)
		return sell(player, b, 3)
	})
	records := []*tape.Record{opened(0, 1, "ann")}
	for n := range uint64(40) {
		at := time.Duration(n) * ms
		b := &clientv1.Buy{Request: n + 1, Sku: "sword", Quantity: 1}
		records = append(records, asksFor(t, at, 1, n+1), isTold(t, at+ms/2, 1, n+1, sell("ann", b, 3)))
	}
	r := replayed(t, m, Config{Tape: record(t, records...), Scale: 5})
	if r.Limit != "server" || strings.Contains(strings.Join(r.Notes, " "), "GENERATOR") {
		t.Errorf("got %q, %q, want the server to be the limit", r.Limit, r.Notes)
	}
}

func TestWorkersForAPeak(t *testing.T) {
	for _, tc := range []struct {
		cfg         Config
		peak, shown float64
		open, cores int
		want        int
	}{
		{Config{}, 100, 0, 10, 8, 1},
		{Config{}, 70_000, 0, 10, 8, 4},
		{Config{}, 70_000, 0, 10, 2, 2},
		{Config{Workers: 5}, 70_000, 0, 10, 2, 5},
		{Config{}, 0, 0, maxOpen() + 1, 1, 2},
		{Config{Unpaced: true}, 0, 0, 10, 8, 4},
		{Config{}, 100, 500_000, 10, 16, 6},
	} {
		if got := tc.cfg.workersFor(tc.peak, tc.shown, tc.open, tc.cores); got != tc.want {
			t.Errorf("%+v: got %d workers, want %d", tc, got, tc.want)
		}
	}
	tls := Config{}
	tls.Target.URL = "ws://a, wss://b"
	if got := tls.workersFor(70_000, 0, 10, 8); got != 5 {
		t.Errorf("got %d workers over TLS, want 5", got)
	}
}
