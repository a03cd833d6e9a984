package figures

import (
	"os"
	"runtime"
	"strings"
)

// Machine says where figures were taken.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Go    string `json:"go"`
}

// ThisMachine is the one that the program runs on.
func ThisMachine() Machine {
	info, _ := os.ReadFile("/proc/cpuinfo") // absent elsewhere than on Linux
	return Machine{
		CPU:   cpuModel(string(info)),
		Cores: runtime.NumCPU(),
		OS:    runtime.GOOS + "/" + runtime.GOARCH,
		Go:    runtime.Version(),
	}
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
