//go:build !unix

package serve

import "math"

// mostFiles is how many files the process may have open: nobody says.
func mostFiles() (uint64, error) { return math.MaxInt64, nil }
