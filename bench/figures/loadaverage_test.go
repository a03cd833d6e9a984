package figures

import "testing"

func TestLoadAverage(t *testing.T) {
	if got := loadAverage("1.25 0.98 0.50 2/345 6789\n"); got != 1.25 {
		t.Errorf("got %v, want 1.25", got)
	}
	if got := loadAverage(""); got != 0 {
		t.Errorf("got %v of nothing, want 0", got)
	}
}
