package launch

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const someMetrics = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
process_cpu_seconds_total_of_others 99
process_resident_memory_bytes 1.048576e+06
`

func TestUsageOfANodeOfOthers(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(someMetrics))
	}))
	defer s.Close()
	got, err := Target{Admin: s.URL}.Usage(t.Context())
	if want := (Usage{CPU: 12500 * time.Millisecond, RSS: 1 << 20}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := (Target{Admin: s.URL + "/other"}).Usage(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want to hear how it was answered", err)
	}
}

func TestMetricsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "no process_cpu",
		"process_cpu_seconds_total 1":      "no process_cpu",
		"process_resident_memory_bytes 1x": "invalid syntax",
	} {
		if got, err := scanUsage(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want an error with %q", text, got, err, want)
		}
	}
}
