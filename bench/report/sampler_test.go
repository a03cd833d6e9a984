package report

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/bench/launch"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// operator is the admin listener of a node that serves three shards. After the
// first look shard 1 was moved to it, and shard 2 was lost and claimed.
type operator struct {
	adminv1connect.UnimplementedAdminServiceHandler
	address string
	began   time.Time
	scraped chan int

	mu     sync.Mutex
	looks  int // at metrics
	shards int // calls of Shards
}

func newOperator(t *testing.T) (*operator, launch.Target) {
	t.Helper()
	o := &operator{began: time.Now(), scraped: make(chan int, 100)}
	mux := http.NewServeMux()
	mux.Handle(adminv1connect.NewAdminServiceHandler(o))
	mux.HandleFunc("/metrics", o.metrics)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	o.address = strings.TrimPrefix(s.URL, "http://")
	return o, launch.Target{Admin: s.URL, AdminToken: "a token"}
}

func (o *operator) metrics(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	o.looks++
	n := o.looks
	o.mu.Unlock()
	fmt.Fprintf(w, `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
process_cpu_seconds_total %d
process_resident_memory_bytes 1.048576e+06
go_memstats_heap_inuse_bytes 1000
go_gc_duration_seconds{quantile="1"} 0.004
go_gc_duration_seconds_sum %g
go_gc_duration_seconds_count %d
holdfast_gateway_frames_in_total{type="buy"} 7
holdfast_journal_bytes_total %d
holdfast_journal_entries_total %d
holdfast_journal_records_total %d
holdfast_journal_commit_seconds_sum %g
holdfast_journal_entry_records_bucket{le="1"} %d
holdfast_journal_entry_records_bucket{le="4"} %d
holdfast_journal_entry_records_bucket{le="+Inf"} %d
`, n, 0.001*float64(n), n, 100*n, 3*n, 12*n, 0.01*float64(n), n, 3*n, 3*n)
	select {
	case o.scraped <- n:
	default:
	}
}

func (o *operator) Nodes(context.Context, *connect.Request[adminv1.NodesRequest]) (*connect.Response[adminv1.NodesResponse], error) {
	return connect.NewResponse(&adminv1.NodesResponse{Nodes: []*adminv1.NodeRow{
		{Alive: true, Node: &clusterv1.Node{Name: "ann", Version: "v1", AdminAddress: o.address}},
		{Alive: true, Node: &clusterv1.Node{Name: "bob"}},
		{Drained: true, Node: &clusterv1.Node{Name: "gone"}},
	}}), nil
}

func owner(node string, epoch uint64, handedBy string) *clusterv1.Owner {
	return &clusterv1.Owner{Node: node, Incarnation: node + "-1", Epoch: epoch, HandedBy: handedBy}
}

func (o *operator) Shards(context.Context, *connect.Request[adminv1.ShardsRequest]) (*connect.Response[adminv1.ShardsResponse], error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shards++
	rows := []*adminv1.ShardRow{
		{Shard: 0, Owner: owner("ann", 1, "")}, {Shard: 1, Owner: owner("bob", 1, "")}, {Shard: 2, Owner: owner("bob", 4, "")},
	}
	if o.shards > 1 {
		rows[1].Owner, rows[2].Owner = owner("ann", 2, "bob-1"), owner("ann", 5, "")
	}
	return connect.NewResponse(&adminv1.ShardsResponse{Shards: rows}), nil
}

func (o *operator) Owners(_ context.Context, r *connect.Request[adminv1.OwnersRequest]) (*connect.Response[adminv1.OwnersResponse], error) {
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(o.began.Add(d)) }
	const owned, nobody = clusterv1.OwnerEvent_OWNER_EVENT_OWNED, clusterv1.OwnerEvent_OWNER_EVENT_NOBODY
	records := map[uint32][]*clusterv1.OwnerRecord{
		1: {
			{Shard: 1, Event: owned, Owner: owner("ann", 2, "bob-1"), Was: owner("bob", 1, ""), Epoch: 2, At: at(2 * time.Second)},
			{Shard: 1, Event: owned, Owner: owner("bob", 1, ""), Epoch: 1, At: at(-time.Minute)},
			{Shard: 1, Event: clusterv1.OwnerEvent_OWNER_EVENT_FOUND, At: at(time.Second)},
		},
		2: {
			{Shard: 2, Event: owned, Owner: owner("ann", 5, ""), Epoch: 5, At: at(4 * time.Second)},
			{Shard: 2, Event: nobody, Was: owner("bob", 4, ""), Epoch: 4, At: at(time.Second)},
		},
	}[r.Msg.GetShard()]
	if records == nil {
		return nil, fmt.Errorf("shard %d has not changed", r.Msg.GetShard())
	}
	return connect.NewResponse(&adminv1.OwnersResponse{Records: records}), nil
}

func (o *operator) Moves(context.Context, *connect.Request[adminv1.MovesRequest]) (*connect.Response[adminv1.MovesResponse], error) {
	return connect.NewResponse(&adminv1.MovesResponse{Receipts: []*clusterv1.MoveReceipt{
		{Shard: 1, Epoch: 2, Outcome: clusterv1.MoveOutcome_MOVE_OUTCOME_ROLLED_BACK, StallMs: 99},
		{Shard: 1, Epoch: 2, Outcome: clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED, StallMs: 7.5},
	}}), nil
}

func TestSampler(t *testing.T) {
	o, target := newOperator(t)
	s, err := StartSampler(t.Context(), SamplerConfig{Target: target, Every: shortest + time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for <-o.scraped < 4 { // those before it have been answered
	}
	s.Stop(t.Context())
	r := &Run{Started: o.began}
	s.Fill(t.Context(), r)

	if len(r.Nodes) != 1 || r.Nodes[0].Name != "ann" || r.Nodes[0].Version != "v1" || len(r.Nodes[0].Samples) == 0 {
		t.Fatalf("got %+v, want samples of ann", r.Nodes)
	}
	got := r.Nodes[0].Samples[0]
	if got.At <= 0 || got.Seconds < shortest.Seconds() || got.Cores <= 0 || got.Cores > float64(got.GCs)/shortest.Seconds() {
		t.Errorf("got %+v", got)
	}
	got.At, got.Seconds, got.Cores = 0, 0, 0
	k := got.GCs // looks that it stands for: one that came too early is left out
	want := Sample{
		RSS: 1 << 20, Heap: 1000, GCs: k, GCPauseMs: float64(k), GCLongestMs: 4,
		Commits: 3 * k, CommitRecords: 12 * k, CommitBytes: 100 * k, CommitMs: 10 * float64(k),
	}
	if got.GCPauseMs, got.CommitMs = round(got.GCPauseMs), round(got.CommitMs); k < 1 || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	n := int64(0) // looks that had an answer in time
	for _, sample := range r.Nodes[0].Samples {
		n += sample.GCs
	}
	if sizes := []Bucket{{1, n}, {4, 2 * n}, {0, 0}}; !slices.Equal(r.Nodes[0].CommitSizes, sizes) {
		t.Errorf("got sizes %v, want %v", r.Nodes[0].CommitSizes, sizes)
	}
	changes := []Change{
		{At: 1, Shard: 2, Epoch: 4, From: "bob", How: HowLost},
		{At: 2, Shard: 1, Epoch: 2, From: "bob", To: "ann", How: HowMoved, StallMs: 7.5},
		{At: 4, Shard: 2, Epoch: 5, To: "ann", How: HowClaimed},
	}
	if !slices.Equal(r.Ownership, changes) {
		t.Errorf("got %+v, want %+v", r.Ownership, changes)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "Node bob has no admin listener") {
		t.Errorf("got notes %q, want one about bob", r.Notes)
	}
}

func round(v float64) float64 { return float64(int64(v*1e6+0.5)) / 1e6 }

// A cluster that says nothing is no reason for a run to end.
func TestSamplerOfNothing(t *testing.T) {
	nothing := httptest.NewServer(http.NotFoundHandler())
	defer nothing.Close()
	s, err := StartSampler(t.Context(), SamplerConfig{Target: launch.Target{Admin: nothing.URL}})
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Started: time.Now()}
	s.Fill(t.Context(), r)
	if len(r.Nodes) != 0 || len(r.Ownership) != 0 || len(r.Notes) != 2 {
		t.Errorf("got %+v, want nothing but two notes", r)
	}
}

func TestSamplerConfig(t *testing.T) {
	for want, cfg := range map[string]SamplerConfig{
		"Target: Admin": {},
		"Every":         {Target: launch.Target{Admin: "http://x"}, Every: -1},
	} {
		if _, err := StartSampler(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// A node that was started again counts from zero.
func TestSampleOfARestartedNode(t *testing.T) {
	at := time.Now()
	last := &scrape{at: at, values: map[string]float64{cpuMetric: 100, commitsMetric: 50}, sizes: []Bucket{{1, 40}, {0, 10}}}
	now := &scrape{at: at.Add(time.Second), values: map[string]float64{cpuMetric: 2, commitsMetric: 7}, sizes: []Bucket{{1, 3}, {0, 4}}}
	if got := now.since(last); got.Cores != 2 || got.Commits != 7 || got.Seconds != 1 {
		t.Errorf("got %+v, want 2 cores and 7 commits", got)
	}
	if got, want := now.addSizes([]Bucket{{1, 40}, {0, 10}}, last), []Bucket{{1, 43}, {0, 14}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMetricsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "no process_cpu",
		"process_cpu_seconds_total many": "invalid syntax",
		sizeMetric + `few"} 3`:           "invalid syntax",
	} {
		if err := new(scrape).scan(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}
