package audit

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// recordPlan records the rebalance that goes on, or has ended, if the trail does
// not say so yet. One that begins and ends between two looks leaves its end.
func (t *Trail) recordPlan(ctx context.Context, v *cluster.View, me cluster.Incarnation) error {
	now := v.RebalanceRecord()
	if now == nil {
		return nil
	}
	for {
		var was clusterv1.PlanRecord
		seq, err := t.last(ctx, t.plan(), &was)
		if err != nil {
			return fmt.Errorf("look at the trail: %w", err)
		}
		had := was.GetRebalance()
		if had.GetId() == now.GetId() && (had.GetFinished() != nil || now.GetFinished() == nil) {
			return nil
		}
		rec := &clusterv1.PlanRecord{Rebalance: now, Recorded: timestamppb.New(t.now()), Recorder: string(me)}
		_, err = t.publish(ctx, t.plan(), rec, jetstream.WithExpectLastSequencePerSubject(seq))
		if err == nil {
			return nil
		}
		if !refused(err) {
			return fmt.Errorf("record a rebalance: %w", err)
		}
	}
}
