package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Fields of /proc/PID/stat behind the program's name, see proc(5).
const (
	userTime   = 14 - 3
	systemTime = 15 - 3
	// clockTick is the unit of both: USER_HZ is 100 wherever Linux runs Go.
	clockTick = 10 * time.Millisecond
)

// Lines of /proc/PID/status.
const (
	residentNow  = "VmRSS"
	residentPeak = "VmHWM"
)

// Usage is what the process has used.
func (p *Process) Usage() (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.ID()))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID()))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	u, err := parseUsage(stat, status)
	if err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	return u, nil
}

func parseUsage(stat, status []byte) (u Usage, err error) {
	// The name stands in parentheses and may hold some.
	_, rest, ok := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	times := strings.Fields(string(rest))
	if !ok || len(times) <= systemTime {
		return Usage{}, errors.New("what /proc says of times is not understood")
	}
	user, err1 := strconv.ParseInt(times[userTime], 10, 64)
	system, err2 := strconv.ParseInt(times[systemTime], 10, 64)
	u.CPU = time.Duration(user+system) * clockTick
	var err3, err4 error
	u.RSS, err3 = kibibytes(status, residentNow)
	u.Peak, err4 = kibibytes(status, residentPeak)
	return u, errors.Join(err1, err2, err3, err4)
}

// kibibytes reads a line such as "VmRSS:     1000 kB", and returns bytes.
func kibibytes(status []byte, name string) (int64, error) {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("what /proc says has no %s", name)
}
