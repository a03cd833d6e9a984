package figures

import (
	"os"
	"strconv"
	"strings"
)

// LoadAverage is how many processes ran or wanted to, over the last minute: how
// busy the machine is with other things, before it is measured. 0 where that is
// not known.
func LoadAverage() float64 {
	text, _ := os.ReadFile("/proc/loadavg") // absent elsewhere than on Linux
	return loadAverage(string(text))
}

func loadAverage(text string) float64 {
	minute, _, _ := strings.Cut(text, " ")
	load, _ := strconv.ParseFloat(minute, 64) // 0 of what is not a number
	return load
}
