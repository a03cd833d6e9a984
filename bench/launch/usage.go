package launch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used of the machine.
type Usage struct {
	// CPU is the processor time since the process began, its own and the kernel's
	// for it.
	CPU time.Duration
	// RSS is the memory that it occupies now, in bytes. Peak is the most that it
	// ever did; 0: not known.
	RSS, Peak int64
}

// The metrics that every node shows about its process.
const (
	cpuMetric = "process_cpu_seconds_total"
	rssMetric = "process_resident_memory_bytes"
)

// Usage is what the node at Admin has used, by its own account: for a node that
// others started.
func (t Target) Usage(ctx context.Context) (Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, operatorTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Admin+"/metrics", nil)
	if err != nil {
		return Usage{}, fmt.Errorf("read metrics: %w", err)
	}
	r.Close = true // once in a while: no connection is kept for it
	answer, err := (&http.Client{Transport: t.Transport()}).Do(r)
	if err != nil {
		return Usage{}, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Usage{}, fmt.Errorf("read metrics: answered %s", answer.Status)
	}
	return scanUsage(answer.Body)
}

// scanUsage reads metrics in Prometheus's text format.
func scanUsage(r io.Reader) (u Usage, err error) {
	found := 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if name != cpuMetric && name != rssMetric {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("read metric %s: %w", name, err)
		}
		found++
		if name == cpuMetric {
			u.CPU = time.Duration(v * float64(time.Second))
		} else {
			u.RSS = int64(v)
		}
	}
	if found != 2 {
		return Usage{}, fmt.Errorf("read metrics: no %s or no %s", cpuMetric, rssMetric)
	}
	return u, nil
}
