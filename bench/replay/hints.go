package replay

import (
	"fmt"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// heard checks that the cluster has answered anything at all. The books of one that
// has not add up, and say nothing.
func (r *run) heard() report.Check {
	silent := r.errorsOf(unanswered) + r.errorsOf(disconnected) + r.errorsOf(unsent)
	answered := r.counts.done + r.counts.errors - silent - r.errorsNamed(connectError)
	return check("requests were answered", answered > 0, "not one of %s", figures.Thousands(r.survey.requests*int64(r.Scale)))
}

func (r *run) errorsOf(o outcome) int64 { return r.errorsNamed(o.errorName()) }

func (r *run) errorsNamed(name string) (n int64) {
	for i := range r.seconds {
		n += r.seconds[i].errors[name]
	}
	return n
}

// hints say what stands behind errors that are no fault of the cluster's, and
// what to do about it.
func (r *run) hints() (notes []string) {
	notes = append(notes, r.missing...)
	if n := r.errorsOf(refusal(clientv1.Code_CODE_RATE_LIMITED)); n > 0 {
		notes = append(notes, fmt.Sprintf("%s requests were more than a gateway takes from one connection (%s): "+
			"a replay that is faster than the tape needs gateways with a higher --rate-limit.",
			figures.Thousands(n), client.CodeName(clientv1.Code_CODE_RATE_LIMITED)))
	}
	if n := r.errorsOf(refusal(clientv1.Code_CODE_INSUFFICIENT_FUNDS)); n > 0 && r.Balance == 0 {
		notes = append(notes, fmt.Sprintf("%s purchases were of players who could not pay (%s): --balance gives them money.",
			figures.Thousands(n), client.CodeName(clientv1.Code_CODE_INSUFFICIENT_FUNDS)))
	}
	return notes
}
