package admin

import (
	"testing"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

func TestVerdicts(t *testing.T) {
	type accounts map[string]int64
	for name, tc := range map[string]struct {
		accounts           accounts
		conserved, settled bool
	}{
		"nothing": {accounts{}, true, true},
		"a purchase under way": {accounts{
			"stock/a/initial": 5, "stock/a/held": 2, "stock/a/free": 3}, true, false},
		"completed, not confirmed": {accounts{
			"stock/a/initial": 5, "stock/a/held": 2, "stock/a/free": 3,
			"player/a/granted": 2, "player/a/unconfirmed": 2}, true, false},
		"booked, the confirmation under way": {accounts{
			"stock/a/initial": 5, "stock/a/sold": 2, "stock/a/free": 3,
			"player/a/granted": 2, "player/a/unconfirmed": 2}, true, false},
		"units between slices": {accounts{
			"stock/a/initial": 5, "stock/a/free": 3, "stock/a/lent": 4, "stock/a/received": 2}, true, false},
		"restocked": {accounts{
			"stock/a/initial": 5, "stock/a/restocked": 2, "stock/a/free": 7}, true, true},
		"oversold": {accounts{
			"stock/a/initial": 5, "stock/a/sold": 6, "stock/a/free": -1, "player/a/granted": 6}, false, true},
		"a unit lost": {accounts{
			"stock/a/initial": 5, "stock/a/free": 4}, false, true},
		"received more than lent": {accounts{
			"stock/a/initial": 5, "stock/a/free": 6, "stock/a/received": 1}, false, false},
		"sold to nobody": {accounts{
			"stock/a/initial": 5, "stock/a/free": 3, "stock/a/sold": 2, "player/a/granted": 1}, false, true},
		"granted without a sale": {accounts{
			"stock/a/initial": 5, "stock/a/free": 5, "player/a/granted": 1}, false, true},
		"granted of a product without stock": {accounts{
			"player/a/granted": 1}, false, true},
		"spent less than priced": {accounts{
			"player/spent/gold": 1, "player/priced/gold": 2}, false, true},
		"accounts of other kinds": {accounts{
			"guild/a/free": -3, "guild/x": 1, "player/orders/completed": 3, "player/orders/digest": -1}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			out := &adminv1.AuditResponse{Accounts: tc.accounts}
			derive(out)
			if out.GetConserved() != tc.conserved || out.GetSettled() != tc.settled {
				t.Errorf("conserved %t, settled %t, want %t, %t: %v", out.GetConserved(), out.GetSettled(), tc.conserved, tc.settled, out)
			}
		})
	}
}

func TestShares(t *testing.T) {
	for _, tc := range []struct{ units, n int64 }{{0, 1}, {1, 3}, {10, 3}, {9, 3}, {1_000_003, 16}} {
		got := shares(tc.units, tc.n, "id")
		var sum int64
		for _, s := range got {
			sum += s
			if s < tc.units/tc.n || s > tc.units/tc.n+1 {
				t.Errorf("%d units over %d: %v", tc.units, tc.n, got)
			}
		}
		if sum != tc.units || int64(len(got)) != tc.n {
			t.Errorf("%d units over %d: %v", tc.units, tc.n, got)
		}
	}
}
