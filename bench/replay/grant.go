package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/bench/figures"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

const (
	// granting is how many players are given money at once.
	granting = 64
	// anyCurrency and anyPrice are for products of which the tape says nothing.
	anyCurrency = "gold"
	anyPrice    = 1
)

// currencies are those of what is bought.
func (s *survey) currencies() []string {
	all := map[string]bool{}
	for _, p := range s.goods() {
		all[p.GetCurrency()] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// funds are the arguments of a node of one's own: its players have plenty.
func (s *survey) funds() (args []string) {
	for _, currency := range s.currencies() {
		args = append(args, "--start-balance", fmt.Sprintf("%s=%d", currency, int64(ownBalance)))
	}
	return args
}

// grant gives every player money.
func (r *run) grant(ctx context.Context) error {
	currencies := r.survey.currencies()
	r.phase(fmt.Sprintf("Giving %s players money", figures.Thousands(int64(len(r.survey.names)*r.Scale))))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(granting)
	j := r.job(0)
	for _, name := range r.survey.names {
		for copied := range r.Scale {
			g.Go(func() error {
				for _, currency := range currencies {
					_, err := r.rpc.Grant(ctx, connect.NewRequest(&adminv1.GrantRequest{
						Player: j.name(name, int32(copied)), Id: "replay", Currency: currency, Amount: r.Balance,
					}))
					if err != nil {
						return fmt.Errorf("give money to %s: %w", j.name(name, int32(copied)), err)
					}
				}
				return nil
			})
		}
	}
	return g.Wait()
}
