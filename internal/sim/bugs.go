package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster/etcdmodel"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Plant is a bug that can be put in, to see whether it is found: a rule that the
// safety of the cluster rests on, broken.
type Plant struct {
	Name string
	// What is done wrong.
	What string
}

// bug is a Plant and how it is put in.
type bug struct {
	Plant
	// witness is a seed that has found it. It is tried first where one is enough;
	// after a change of anything that is simulated it may be any other.
	witness uint64
	defect  defect
	// call may change a call of a node to etcd.
	call func(*life, *etcdmodel.Call)
	// kinds may change the kinds of actors: players, then slices.
	kinds func([]actors.Kind)
	// weather makes it likelier that the bug matters.
	weather func(*weather)
}

// defect is a bug in what stands for package shard here.
type defect int

const (
	believesBehindSeal defect = iota + 1
	ackOfNext
	forwardPastOutbox
	appendFirst
	outputFirst
	noExpectedSequence
	noFinalTxn
	sealIfDead
	thawOnTimeout
	purgeOwnOnly
	doneTrusted
	sweepByView
)

// is says whether this is the bug.
func (b *bug) is(d defect) bool { return b != nil && b.defect == d }

// bugs are all that can be planted.
var bugs = slices.Concat(protocolBugs, purchaseBugs)

var protocolBugs = []bug{
	{Plant: Plant{"behind-seal", "an entry behind a seal is believed"}, witness: 4, defect: believesBehindSeal, weather: losingEntries},
	{Plant: Plant{"ack-of-next", "the acknowledgement of entry n+1 is taken for entry n's"}, witness: 4, defect: ackOfNext, weather: losingEntries},
	{Plant: Plant{"unguarded-record", "/shards/s is written without the guard"}, call: func(_ *life, c *etcdmodel.Call) {
		if writes(c, "/shards/") && !writes(c, "/owners/") {
			c.Ignore(func(string) bool { return true })
		}
	}},
	{Plant: Plant{"past-outbox", "a parked command is forwarded past the outbox"}, witness: 77, defect: forwardPastOutbox, weather: func(x *weather) {
		x.moves, x.sync, x.linger = 1, 64*time.Millisecond, 4*time.Millisecond
	}},
	{Plant: Plant{"append-first", "events are appended before they are applied"}, defect: appendFirst},
	{Plant: Plant{"output-first", "outputs leave before the log is durable"}, defect: outputFirst},
	{Plant: Plant{"no-expected-sequence", "entries are published without their expected sequence"}, defect: noExpectedSequence},
	{Plant: Plant{"no-final-txn", "a claim serves without its final transaction"}, defect: noFinalTxn},
	{Plant: Plant{"seal-if-dead", "the old log is sealed only if its owner looks dead"}, witness: 6, defect: sealIfDead},
	{Plant: Plant{"no-new-segment", "a move does not record the new segment"}, call: func(_ *life, c *etcdmodel.Call) {
		if writes(c, "/shards/") && writes(c, "/owners/") {
			c.Rewrite(withoutNewSegment)
		}
	}},
	{Plant: Plant{"thaw-on-timeout", "the source of a move thaws on a timeout"}, witness: 13, defect: thawOnTimeout},
	{Plant: Plant{"purge-own-only", "a log is purged by the node's own shards only"}, defect: purgeOwnOnly},
	{Plant: Plant{"done-trusted", "the session's Done is trusted as a fence"}, witness: 11, defect: doneTrusted, weather: func(x *weather) {
		x.lateWatch, x.lateRoutes, x.crawl, x.starve = 0, 0.8, 0, 0.1
	}},
	{Plant: Plant{"sweep-by-view", "a log is removed because a late view does not show that its node lives"}, defect: sweepByView, weather: func(x *weather) {
		x.sweep, x.lateWatch, x.purgeEvery = 1, 0.7, time.Second
	}},
}

// losingEntries has entries get lost while others of the same node are on their
// way, and nodes not know that others have their shards.
func losingEntries(x *weather) {
	x.window, x.entry, x.ackTimeout = 3, 1, 500*time.Millisecond
	x.lose, x.starve, x.ttl, x.pause = 0.1, 0.3, time.Second, 300*time.Millisecond
}

func writes(c *etcdmodel.Call, folder string) bool {
	return slices.ContainsFunc(c.Puts(), func(key string) bool { return strings.Contains(key, folder) })
}

// withoutNewSegment takes the segment out that a handover has added.
func withoutNewSegment(key string, value []byte) []byte {
	if !strings.Contains(key, "/shards/") {
		return value
	}
	rec := new(clusterv1.Shard)
	if err := protojson.Unmarshal(value, rec); err != nil {
		panic(err)
	}
	n := len(rec.GetSegments())
	if n == 0 || rec.Segments[n-1].GetEpoch() != rec.GetEpoch() {
		return value // of a claim
	}
	rec.Segments = rec.Segments[:n-1]
	b, err := protojson.Marshal(rec)
	if err != nil {
		panic(err)
	}
	return b
}

// Plants lists the bugs that can be planted.
func Plants() []Plant {
	out := make([]Plant, len(bugs))
	for i := range bugs {
		out[i] = bugs[i].Plant
	}
	return out
}

// Witness is a seed that is likely to find the bug of that name.
func Witness(name string) uint64 {
	b, err := plant(name)
	if err != nil || b == nil {
		return 1
	}
	return max(b.witness, 1)
}

// plant returns the bug of that name, nil for "".
func plant(name string) (*bug, error) {
	if name == "" {
		return nil, nil
	}
	for i := range bugs {
		if bugs[i].Name == name {
			return &bugs[i], nil
		}
	}
	return nil, fmt.Errorf("there is no planted bug %q", name)
}
