package report

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Distribution is a histogram of nanoseconds, in HdrHistogram's format V2,
// compressed, as Base64: other programs read it too. It is kept so because a
// histogram in memory takes a hundred times as much. "" is an empty one.
type Distribution string

// NewDistribution keeps a histogram.
func NewDistribution(h *hdrhistogram.Histogram) (Distribution, error) {
	if h.TotalCount() == 0 {
		return "", nil
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	return Distribution(text), nil
}

// Histogram returns it.
func (d Distribution) Histogram() (*hdrhistogram.Histogram, error) {
	if d == "" {
		return figures.NewHistogram(), nil
	}
	h, err := hdrhistogram.Decode([]byte(d))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	return h, nil
}
