package cluster

import (
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// The weight of a shard is in commands per second. What does not show in them
// counts a little: a node that holds more state writes and loads more of it.
const (
	// weightBase is that of a shard that nobody asks for anything, so that an
	// idle cluster is balanced by number. It is small beside the share of a
	// shard in a cluster that is busy, and large beside a few commands.
	weightBase = 10.0
	// weightActor: 200 actors count like one command per second.
	weightActor = 1.0 / 200
	// weightByte: so does a MiB of state.
	weightByte = 1.0 / (1 << 20)
)

func (l ShardLoad) weight() float64 {
	return weightBase + max(0, l.Commands) + weightActor*float64(l.Actors) + weightByte*float64(l.Bytes)
}

// weightSettled is how long a shard must have been measured by its owner before
// that replaces what is known of it. What is known may be from its former owner,
// and from a longer look.
const weightSettled = meterConstant

// weights are what plans are made with. They stand in etcd: so everybody plans
// with the same numbers, a new coordinator knows what a dead node's shards
// weigh, and the noise of a report changes no plan, because the coordinator
// writes them only when the reports say something else. See stale.
type weights struct {
	rows []float64 // by shard; 0 is unknown
	rev  int64     // 0 when nothing was ever written
}

func (w *weights) apply(cs []change, log *slog.Logger) *weights {
	next := &weights{rows: make([]float64, len(w.rows))}
	last := cs[len(cs)-1]
	if last.deleted {
		return next
	}
	next.rev = last.rev
	var v clusterv1.Weights
	if err := decode(last.value, &v); err != nil {
		skip(log, keyWeights, last, err)
		return next
	}
	for s, x := range v.GetShards() {
		if s < len(next.rows) && x > 0 && !math.IsInf(x, 0) {
			next.rows[s] = x
		}
	}
	return next
}

// complete returns the weights with the unknown ones guessed: a shard of which
// nothing is known is taken for an average one.
func (w *weights) complete() []float64 {
	sum, n := 0.0, 0
	for _, x := range w.rows {
		if x > 0 {
			sum, n = sum+x, n+1
		}
	}
	guess := weightBase
	if n > 0 {
		guess = sum / float64(n)
	}
	out := slices.Clone(w.rows)
	for s, x := range out {
		if x == 0 {
			out[s] = guess
		}
	}
	return out
}

// measured returns the weights as the nodes report them now. What is not
// reported, or not for long enough, stays as it is known.
func (w *weights) measured(loads *Loads) []float64 {
	out := slices.Clone(w.rows)
	for s := range out {
		l, ok := loads.Shard(ShardID(s))
		if ok && (out[s] == 0 || l.Over == 0 || l.Over >= weightSettled) {
			out[s] = round(l.weight())
		}
	}
	return out
}

// How far the reports must be from the weights before these are written anew,
// all together. The noise of a smoothed rate is below half of each.
const (
	// staleShard is a part of the shard's weight, if it is also staleShare of
	// what a node carries.
	staleShard = 0.15
	staleShare = 0.02
	// staleNode is a part of what a node carries on the average. It is less than
	// lies between the tolerances of plans: what is even stays so.
	staleNode = 0.04
	// staleTotal is a part of everything.
	staleTotal = 0.10
)

// stale says whether now is something else than w, for shards that are with the
// nodes at.
func (w *weights) stale(now []float64, at []NodeName, nodes int) bool {
	was, is, total, wasTotal := make(map[NodeName]float64), make(map[NodeName]float64), 0.0, 0.0
	for s := range now {
		if (now[s] == 0) != (w.rows[s] == 0) {
			return true
		}
		was[at[s]] += w.rows[s]
		is[at[s]] += now[s]
		wasTotal += w.rows[s]
		total += now[s]
	}
	if total == 0 || math.Abs(total-wasTotal) > staleTotal*wasTotal {
		return total != wasTotal
	}
	mean, scale := total/float64(max(1, nodes)), total/wasTotal
	for n := range is {
		if math.Abs(is[n]-was[n]*scale) > staleNode*mean {
			return true
		}
	}
	for s := range now {
		if off := math.Abs(now[s] - w.rows[s]*scale); off > staleShard*w.rows[s] && off > staleShare*mean {
			return true
		}
	}
	return false
}

func weightsProto(rows []float64, now time.Time) *clusterv1.Weights {
	return &clusterv1.Weights{Shards: rows, At: timestamppb.New(now)}
}

// round leaves three digits, which is more than is measured.
func round(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil || math.IsInf(y, 0) || math.IsNaN(y) {
		return 0
	}
	return y
}
