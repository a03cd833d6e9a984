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

// Usage is what the process has used.
func (p *Process) Usage() (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.ID()))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.ID()))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	return parseUsage(stat, statm)
}

func parseUsage(stat, statm []byte) (Usage, error) {
	// The name stands in parentheses and may hold some.
	_, rest, ok := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	times, pages := strings.Fields(string(rest)), strings.Fields(string(statm))
	if !ok || len(times) <= systemTime || len(pages) < 2 {
		return Usage{}, errors.New("read usage: what /proc says is not understood")
	}
	user, err1 := strconv.ParseInt(times[userTime], 10, 64)
	system, err2 := strconv.ParseInt(times[systemTime], 10, 64)
	resident, err3 := strconv.ParseInt(pages[1], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	return Usage{CPU: time.Duration(user+system) * clockTick, RSS: resident * int64(os.Getpagesize())}, nil
}
