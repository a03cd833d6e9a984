package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/cluster"
)

// errDeposed: another member plans now.
var errDeposed = errors.New("not the coordinator any more")

// Record records changes of ownership, and the beginning and end of rebalances,
// while m is the coordinator, until ctx ends or m is done. It returns any other
// error as well, and can be called again then: nothing is missed.
func (t *Trail) Record(ctx context.Context, v *cluster.View, m *cluster.Member) error {
	for {
		changed := v.NodesChanged()
		if v.Coordinator() == m.Incarnation() {
			err := t.preside(ctx, v, m.Incarnation())
			if !errors.Is(err, errDeposed) {
				if m.Err() != nil {
					err = m.Err()
				}
				return fmt.Errorf("record changes of ownership: %w", err)
			}
			continue
		}
		select {
		case <-changed:
		case <-m.Done():
			return fmt.Errorf("record changes of ownership: %w", m.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// preside records until another member is the coordinator.
func (t *Trail) preside(ctx context.Context, v *cluster.View, me cluster.Incarnation) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for {
			changed := v.NodesChanged()
			if v.Coordinator() != me {
				return errDeposed
			}
			if err := t.recordPlan(ctx, v, me); err != nil {
				return err
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	g.Go(func() error {
		r := &recorder{trail: t, view: v, me: me}
		return r.run(ctx)
	})
	return g.Wait()
}
