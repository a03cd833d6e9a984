package figures

import "testing"

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3}},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4}},
	} {
		if got := NewSpread(tc.values); got != tc.want {
			t.Errorf("%v: got %+v, want %+v", tc.values, got, tc.want)
		}
	}
}
