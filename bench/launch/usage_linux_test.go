package launch

import (
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	stat := []byte("7 (a ) name) S 1 7 7 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 9 0 300 1000 200 18446744073709551615\n")
	status := []byte("Name:\tname\nVmHWM:\t    300 kB\nVmRSS:\t    200 kB\n")
	got, err := parseUsage(stat, status)
	if want := (Usage{CPU: 1750 * time.Millisecond, RSS: 200 << 10, Peak: 300 << 10}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "7 (name) S 1", "7 (name)"} {
		if _, err := parseUsage([]byte(bad), status); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
	for _, bad := range []string{"", "VmRSS: 1 kB", "VmRSS: many kB\nVmHWM: 1 kB"} {
		if _, err := parseUsage(stat, []byte(bad)); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestUsageOfAProcess(t *testing.T) {
	p := child(t, "busy")
	defer func() { _ = p.Stop() }()
	var u Usage
	err := p.Await(t.Context(), func() (bool, error) {
		var err error
		u, err = p.Usage()
		return u.CPU > 0, err
	})
	if err != nil || u.RSS < 1<<20 || u.Peak < u.RSS {
		t.Errorf("got %+v, %v, want processor time and some memory", u, err)
	}
}
