package report

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

// The metrics of a node that a run has something of.
const (
	cpuMetric     = "process_cpu_seconds_total"
	rssMetric     = "process_resident_memory_bytes"
	heapMetric    = "go_memstats_heap_inuse_bytes"
	gcsMetric     = "go_gc_duration_seconds_count"
	pauseMetric   = "go_gc_duration_seconds_sum"
	longestMetric = `go_gc_duration_seconds{quantile="1"}`
	commitsMetric = "holdfast_journal_entries_total"
	recordsMetric = "holdfast_journal_records_total"
	bytesMetric   = "holdfast_journal_bytes_total"
	commitMetric  = "holdfast_journal_commit_seconds_sum"
	// sizeMetric begins the buckets of commit sizes, in records.
	sizeMetric = `holdfast_journal_entry_records_bucket{le="`
)

// scrape is what a node's metrics said at one moment.
type scrape struct {
	at     time.Time
	values map[string]float64 // by metric, of those above
	sizes  []Bucket           // not cumulative
}

// scrapeTimeout bounds one look at a node's metrics: one that takes longer says
// nothing about a second.
const scrapeTimeout = 2 * time.Second

// maxMetrics bounds what is read of a node's metrics, in bytes: a hundred times
// what there is.
const maxMetrics = 8 << 20

func readMetrics(ctx context.Context, c *http.Client, admin string) (*scrape, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	answer, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics: answered %s", answer.Status)
	}
	s := &scrape{at: time.Now()}
	return s, s.scan(io.LimitReader(answer.Body, maxMetrics))
}

// scan reads Prometheus's text format, as far as it is needed: a node writes no
// times, and one label at most in what is read here.
func (s *scrape) scan(r io.Reader) error {
	s.values = make(map[string]float64)
	below := int64(0)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		size, isSize := strings.CutPrefix(name, sizeMetric)
		switch name {
		default:
			if !isSize {
				continue
			}
		case cpuMetric, rssMetric, heapMetric, gcsMetric, pauseMetric, longestMetric, commitsMetric, recordsMetric, bytesMetric, commitMetric:
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("read metric %s: %w", name, err)
		}
		if !isSize {
			s.values[name] = v
			continue
		}
		b := Bucket{Count: int64(v) - below}
		below = int64(v)
		if size = strings.TrimSuffix(size, `"}`); size != "+Inf" {
			if b.Most, err = strconv.ParseFloat(size, 64); err != nil {
				return fmt.Errorf("read metric %s: %w", name, err)
			}
		}
		s.sizes = append(s.sizes, b)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	if _, ok := s.values[cpuMetric]; !ok {
		return fmt.Errorf("read metrics: no %s", cpuMetric)
	}
	return nil
}

// since is what a node used between two scrapes, but for when. A node that was
// started again in between counts from zero.
func (s *scrape) since(last *scrape) Sample {
	if s.values[cpuMetric] < last.values[cpuMetric] {
		last = &scrape{at: last.at}
	}
	grown := func(metric string) float64 { return max(s.values[metric]-last.values[metric], 0) }
	const ms = 1000
	out := Sample{
		Seconds: s.at.Sub(last.at).Seconds(),
		RSS:     int64(s.values[rssMetric]), Heap: int64(s.values[heapMetric]),
		GCs: int64(grown(gcsMetric)), GCPauseMs: ms * grown(pauseMetric), GCLongestMs: ms * s.values[longestMetric],
		Commits: int64(grown(commitsMetric)), CommitRecords: int64(grown(recordsMetric)),
		CommitBytes: int64(grown(bytesMetric)), CommitMs: ms * grown(commitMetric),
	}
	if out.Seconds > 0 {
		out.Cores = grown(cpuMetric) / out.Seconds
	}
	return out
}

// addSizes adds to all the commits between two scrapes.
func (s *scrape) addSizes(all []Bucket, last *scrape) []Bucket {
	if all == nil {
		for _, b := range s.sizes {
			all = append(all, Bucket{Most: b.Most})
		}
	}
	again := s.values[cpuMetric] < last.values[cpuMetric]
	for i := range min(len(all), len(s.sizes)) {
		n := s.sizes[i].Count
		if !again && i < len(last.sizes) {
			n -= last.sizes[i].Count
		}
		all[i].Count += max(n, 0)
	}
	return all
}
