package report

import (
	"time"

	"github.com/holdfast-game/holdfast/bench/figures"
)

// Version is that of the document. Fields may be added without a new one; one is
// due when a field changes its meaning.
const Version = 1

// Run is one run of a load. Times in it are seconds since it started, and shares
// and rates are not rounded.
type Run struct {
	Version int `json:"version"`
	// Name tells it from others, for people: what was measured.
	Name string `json:"name"`
	// Load is what put it, such as "sale" or "replay".
	Load string `json:"load"`
	// Started is when the load began.
	Started time.Time `json:"started"`
	// Seconds it took.
	Seconds float64 `json:"seconds"`
	// Build of the generator.
	Build string `json:"build,omitempty"`
	// Machine is the generator's.
	Machine figures.Machine `json:"machine"`
	// Settings are those that tell one run from another, in the order in which
	// they are shown.
	Settings []Setting `json:"settings,omitempty"`

	// Series has the load over time, in order and without gaps: most stretches
	// are a second long.
	Series []Stretch `json:"series"`
	// Latency is that of all requests that were answered as they should be.
	Latency Distribution `json:"latency"`
	// Delay is how long after they were due requests were sent through the
	// generator's own fault. "": no request was due at any time.
	Delay Distribution `json:"delay,omitempty"`
	// Limit names who could not keep the rate: "", "server" or "generator".
	Limit string `json:"limit,omitempty"`

	// Outcomes compares what became of requests with a tape, by kind; without a
	// tape it only counts them.
	Outcomes []Outcomes `json:"outcomes,omitempty"`
	// Checks are what had to hold afterwards.
	Checks []Check `json:"checks,omitempty"`
	// Notes are what else there is to know, a sentence each.
	Notes []string `json:"notes,omitempty"`

	// What a Sampler finds out.

	// Nodes are those that could be looked into.
	Nodes []Node `json:"nodes,omitempty"`
	// Ownership has the changes of owners, in order of time.
	Ownership []Change `json:"ownership,omitempty"`
}

// Setting is a parameter of a run, as it is shown.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Stretch is what happened in a short while, a second as a rule.
type Stretch struct {
	At      float64 `json:"at"` // its beginning
	Seconds float64 `json:"seconds"`
	// Due counts requests that were to be sent, in open loop.
	Due int64 `json:"due,omitempty"`
	// Sent counts requests that were.
	Sent int64 `json:"sent,omitempty"`
	// Done counts requests that were answered as they should be, refusals that are
	// no errors (sold out is one) included.
	Done int64 `json:"done"`
	// Errors counts other answers by code, and DISCONNECTED. An answer to a request
	// that was sent again counts each time.
	Errors map[string]int64 `json:"errors,omitempty"`
	// Latency is that of requests that were answered in this stretch.
	Latency Distribution `json:"latency,omitempty"`
}

// Outcomes is what became of the requests of one kind.
type Outcomes struct {
	// Kind of request, such as "buy".
	Kind string `json:"kind"`
	// Then counts the outcomes on the tape, by name; nil without a tape. Now counts
	// those of this run.
	Then map[string]int64 `json:"then,omitempty"`
	Now  map[string]int64 `json:"now"`
	// Differ counts requests whose outcome is not that on the tape.
	Differ int64 `json:"differ,omitempty"`
	// Examples are some of them.
	Examples []Difference `json:"examples,omitempty"`
}

// Difference is a request that had another outcome than on the tape.
type Difference struct {
	// At is when it was asked, on the tape.
	At      float64 `json:"at"`
	Player  string  `json:"player"`
	Request string  `json:"request"` // what was asked, in short
	Then    string  `json:"then"`
	Now     string  `json:"now"`
}

// Check is one thing that must hold after a run.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says in words what does not hold.
	Detail string `json:"detail,omitempty"`
}

// Node is what one node used over the time of a run.
type Node struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// Samples in order of time.
	Samples []Sample `json:"samples"`
	// CommitSizes counts the commits of the whole run by their records.
	CommitSizes []Bucket `json:"commit_sizes,omitempty"`
}

// Sample is what a node used since the sample before it.
type Sample struct {
	At      float64 `json:"at"` // its end
	Seconds float64 `json:"seconds"`
	// Cores is processor time per time.
	Cores float64 `json:"cores"`
	// RSS is the memory that the process occupied at the end, and Heap what of it is
	// in use by the garbage-collected heap, in bytes.
	RSS  int64 `json:"rss"`
	Heap int64 `json:"heap,omitempty"`
	// GCs counts garbage collections; GCPauseMs is how long they stopped everything
	// altogether, and GCLongestMs the longest pause among the latest ones, which
	// may have been before the sample.
	GCs         int64   `json:"gcs,omitempty"`
	GCPauseMs   float64 `json:"gc_pause_ms,omitempty"`
	GCLongestMs float64 `json:"gc_longest_ms,omitempty"`
	// Commits counts log entries that became durable, CommitRecords and CommitBytes
	// are what was in them, and CommitMs how long they took altogether.
	Commits       int64   `json:"commits,omitempty"`
	CommitRecords int64   `json:"commit_records,omitempty"`
	CommitBytes   int64   `json:"commit_bytes,omitempty"`
	CommitMs      float64 `json:"commit_ms,omitempty"`
}

// Bucket counts what is at most Most, and more than the bucket before it.
type Bucket struct {
	Most  float64 `json:"most"` // 0: without bound
	Count int64   `json:"count"`
}

// Change is one of a shard's owner.
type Change struct {
	At    float64 `json:"at"`
	Shard uint32  `json:"shard"`
	Epoch uint64  `json:"epoch,omitempty"`
	// From and To are names of nodes; "" for nobody, or for not known.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// How it came: HowMoved, HowClaimed or HowLost.
	How string `json:"how"`
	// StallMs is how long nobody served the shard, when it was moved.
	StallMs float64 `json:"stall_ms,omitempty"`
}

// How an owner changes.
const (
	HowMoved   = "moved"   // handed over by the owner before, as planned
	HowClaimed = "claimed" // taken by a node on its own, when nobody had it
	HowLost    = "lost"    // given up, or the owner's lease has ended
)
