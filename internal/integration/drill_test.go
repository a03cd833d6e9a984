package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/bench"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// What operators do to nodes while players buy. The flags make a drill as large
// as one likes; `make drills` does.
var (
	drillMoves   = flag.Int("drill.moves", 24, "planned moves in TestMoveDrill")
	drillRate    = flag.Float64("drill.rate", 1000, "purchases a second during a drill")
	drillPlayers = flag.Int("drill.players", 1000, "players that the cluster has in TestDrainDrill")
	drillCrashes = flag.Int("drill.crashes", 6, "kills of the only node in one sale, in TestKillTheOnlyNode")
	drillKills   = flag.Int("drill.kills", 0, "nodes killed, one after the other, in TestKillDrill")
	// Nobody should notice a move, which 150 ms is the limit for; a machine with other
	// things to do takes longer.
	drillPause = flag.Duration("drill.pause", 600*time.Millisecond, "how long a move may stop the picture in TestZoneOutlivesItsOwners")
	// One service should hold 100,000; a test need not wait for them.
	drillResidents = flag.Int("drill.residents", 20_000, "players on the node of TestRestartWithManyPlayers")
)

// drill is a cluster of three nodes with a sale going on, and an operator.
type drill struct {
	*threeNodes
	t   *testing.T
	ctx context.Context
}

func startDrill(t *testing.T, patience time.Duration) *drill {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	d := &drill{threeNodes: startThree(t, ctx, binary), t: t, ctx: ctx}
	d.even()
	return d
}

// admin is the operator's way to node i.
func (d *drill) admin(i int) adminv1connect.AdminServiceClient {
	token := d.nodes[i].secret(d.at[i].AdminTokenFile)
	return adminv1connect.NewAdminServiceClient(http.DefaultClient, "http://"+d.at[i].Admin,
		connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
			return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
				req.Header().Set("Authorization", "Bearer "+token)
				return next(ctx, req)
			}
		})))
}

// owners returns who owns each shard, "" for nobody, as node i sees it.
func (d *drill) owners(i int) []string {
	d.t.Helper()
	resp, err := d.admin(i).Shards(d.ctx, connect.NewRequest(new(adminv1.ShardsRequest)))
	if err != nil {
		d.t.Fatal(err)
	}
	out := make([]string, len(resp.Msg.GetShards()))
	for s, row := range resp.Msg.GetShards() {
		out[s] = row.GetOwner().GetNode()
	}
	return out
}

// even waits until every shard is served and each node has a part of them. How
// many is the planner's business: shares are even by load, not by number.
func (d *drill) even() {
	d.t.Helper()
	d.nodes[0].await(d.ctx, "have a part of the shards", func() bool {
		has := make(map[string]int)
		for _, name := range d.owners(0) {
			has[name]++
		}
		return has[""] == 0 && min(has["a"], has["b"], has["c"]) >= shardCount/8
	})
}

// sell holds a sale in the background, at the drill's rate, through all gateways.
func (d *drill) sell(length time.Duration, admin int) *sale {
	d.t.Helper()
	s := &sale{t: d.t, done: make(chan struct{})}
	cfg := bench.SaleConfig{
		URL: strings.Join(d.urls(), ","), Admin: "http://" + d.at[admin].Admin,
		AdminToken: d.nodes[admin].secret(d.at[admin].AdminTokenFile), Secret: d.nodes[admin].secret(d.at[admin].SecretFile),
		Players: 500, Rate: *drillRate, Duration: length, SKUs: 8, Patience: 30 * time.Second, Settle: 30 * time.Second,
	}
	go func() {
		defer close(s.done)
		s.report, s.err = bench.Sale(d.ctx, cfg)
	}()
	return s
}

// unharmed waits for the sale, and wants nobody to have been told of an error.
func (s *sale) unharmed() {
	s.t.Helper()
	r := s.wait()
	if len(r.Errors) > 0 {
		s.t.Errorf("players were told of errors: %v", r.Errors)
	}
	s.t.Logf("purchases: mean %.1f ms, p99 %.1f ms, max %.1f ms", r.LatencyMs.Mean, r.LatencyMs.P99, r.LatencyMs.Max)
}

// spread says how times, in milliseconds, are distributed.
func spread(ms []float64) string {
	if len(ms) == 0 {
		return "none"
	}
	slices.Sort(ms)
	at := func(p float64) float64 { return ms[min(len(ms)-1, int(p*float64(len(ms))))] }
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, max %.1f ms", at(0.5), at(0.99), ms[len(ms)-1])
}

// Shards are moved at random while players buy: nobody is told of an error, and
// nothing is lost.
func TestMoveDrill(t *testing.T) {
	t.Parallel()
	rnd := crashSeed(t)
	d := startDrill(t, 5*time.Minute)
	// An easy pace for a small drill; a large one takes about this long as well.
	s := d.sell(10*time.Second+time.Duration(*drillMoves)*200*time.Millisecond, 0)
	pause(d.ctx, 2*time.Second)
	began := time.Now()
	names := []string{"a", "b", "c"}
	for range *drillMoves {
		shard := rnd.IntN(shardCount)
		from := d.owners(0)[shard]
		to := names[rnd.IntN(3)]
		for to == from {
			to = names[rnd.IntN(3)]
		}
		if _, err := d.admin(rnd.IntN(3)).Move(d.ctx, connect.NewRequest(&adminv1.MoveRequest{Shard: uint32(shard), Node: to})); err != nil {
			t.Fatalf("move shard %d from %s to %s: %v", shard, from, to, err)
		}
		d.nodes[0].await(d.ctx, fmt.Sprintf("see shard %d with %s", shard, to), func() bool { return d.owners(0)[shard] == to })
	}
	t.Logf("%d moves took %v", *drillMoves, time.Since(began).Round(time.Millisecond))
	s.unharmed()
	d.receipts(began)
}

// receipts wants every move since then to have lost nothing, and at least one to
// have been made.
func (d *drill) receipts(since time.Time) {
	d.t.Helper()
	resp, err := d.admin(0).Moves(d.ctx, connect.NewRequest(&adminv1.MovesRequest{Limit: 1000}))
	if err != nil {
		d.t.Fatal(err)
	}
	var stalls []float64
	parked := uint64(0)
	for _, r := range resp.Msg.GetReceipts() {
		if r.GetStarted().AsTime().Before(since) {
			continue
		}
		moved := r.GetOutcome() == clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED
		if !moved || r.GetLost() != 0 || r.GetRefused() != 0 || r.GetHashBefore() != r.GetHashAfter() {
			d.t.Errorf("receipt: %v", r)
		}
		stalls, parked = append(stalls, r.GetStallMs()), parked+r.GetParked()
	}
	if len(stalls) == 0 {
		d.t.Error("there are no receipts")
	}
	d.t.Logf("%d receipts, %d commands parked, lost 0, hashes equal; stall %s", len(stalls), parked, spread(stalls))
}

// populate gives money to so many players, so that there are that many.
func (d *drill) populate(players int) {
	d.t.Helper()
	var g errgroup.Group
	g.SetLimit(64)
	admin := d.admin(0)
	for i := range players {
		g.Go(func() error {
			_, err := admin.Grant(d.ctx, connect.NewRequest(&adminv1.GrantRequest{Player: fmt.Sprintf("resident-%d", i), Id: "welcome", Currency: "gold", Amount: 5}))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		d.t.Fatal(err)
	}
}

// One node is drained under load, and then given its share back.
func TestDrainDrill(t *testing.T) {
	t.Parallel()
	d := startDrill(t, 5*time.Minute)
	d.populate(*drillPlayers)
	d.even()
	s := d.sell(15*time.Second, 0)
	pause(d.ctx, 2*time.Second)
	began := time.Now()
	if _, err := d.admin(0).Drain(d.ctx, connect.NewRequest(&adminv1.DrainRequest{Node: "b"})); err != nil {
		t.Fatal(err)
	}
	d.nodes[0].await(d.ctx, "see b empty", func() bool { return !slices.Contains(d.owners(0), "b") })
	t.Logf("b was empty after %v, with %d players", time.Since(began).Round(time.Millisecond), *drillPlayers)
	if _, err := d.admin(0).Undrain(d.ctx, connect.NewRequest(&adminv1.UndrainRequest{Node: "b"})); err != nil {
		t.Fatal(err)
	}
	d.even()
	t.Logf("b had its share back after %v", time.Since(began).Round(time.Millisecond))
	s.unharmed()
	d.receipts(began)
}

// All three nodes are restarted, one after the other, as for an upgrade. Their
// players go to other gateways meanwhile, and are told of no error.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	d := startDrill(t, 5*time.Minute)
	s := d.sell(20*time.Second, 0)
	pause(d.ctx, 2*time.Second)
	for i, n := range d.nodes {
		began := time.Now()
		n.stop()
		out := time.Since(began)
		if n.log.contains("msg=sealed") {
			t.Errorf("a log was sealed by %s, although every shard had been moved away", n.name)
		}
		n.start()
		d.at[i] = n.ready(d.ctx)
		t.Logf("%s left after %v and was ready after %v", n.name, out.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		d.even()
	}
	s.unharmed()
}

// A node is killed under load, again and again. Whoever asks for something on
// its shards is answered after the lease has run out and a second, at most.
func TestKillDrill(t *testing.T) {
	if *drillKills == 0 {
		t.Skip("TestKillOneOfThree is the small form; -drill.kills asks for more")
	}
	rnd := crashSeed(t)
	d := startDrill(t, time.Duration(2+*drillKills)*time.Minute)
	s := d.sell(time.Duration(*drillKills)*15*time.Second, 0)
	var all []float64
	for k := range *drillKills {
		d.even()
		pause(d.ctx, 2*time.Second+time.Duration(rnd.Int64N(int64(time.Second))))
		victim := 1 + rnd.IntN(2) // the sale's books are asked of the first
		lost := d.shardsOf(d.nodes[victim].name)
		killed := time.Now()
		d.nodes[victim].kill()
		waits := d.firstSuccess(fmt.Sprint("kill-", k), lost)
		if slowest := slices.Max(waits); slowest > float64((leaseTTL + time.Second).Milliseconds()) {
			t.Errorf("kill %d: a shard of %s was served again after %.0f ms, want at most %v", k, d.nodes[victim].name, slowest, leaseTTL+time.Second)
			for _, n := range d.nodes {
				if n != d.nodes[victim] {
					t.Logf("killed at %s; what %s did:\n%s", killed.UTC().Format(time.StampMilli), n.name, n.log.last(8, takeover))
				}
			}
		}
		all = append(all, waits...)
		t.Logf("kill %d: %d shards of %s, first success %s", k, len(lost), d.nodes[victim].name, spread(waits))
		d.nodes[victim].start()
		d.at[victim] = d.nodes[victim].ready(d.ctx)
	}
	t.Logf("%d kills: first success on each shard of the dead node: %s", *drillKills, spread(all))
	s.wait()
}

// takeover are the lines in which a node tells how it takes shards over.
var takeover = regexp.MustCompile(`msg=(sealed|loaded|claimed|"cannot claim")`)

// shardsOf returns the shards that a node owns.
func (d *drill) shardsOf(node string) (out []int) {
	for s, owner := range d.owners(0) {
		if owner == node {
			out = append(out, s)
		}
	}
	return out
}

// firstSuccess asks for something on each shard, and returns how long each took,
// in milliseconds.
func (d *drill) firstSuccess(id string, shards []int) []float64 {
	d.t.Helper()
	began, admin := time.Now(), d.admin(0)
	waits := make([]float64, len(shards))
	var g errgroup.Group
	for i, s := range shards {
		g.Go(func() error {
			_, err := admin.Grant(d.ctx, connect.NewRequest(&adminv1.GrantRequest{Player: residentOf(s), Id: id, Currency: "gold", Amount: 1}))
			waits[i] = float64(time.Since(began).Microseconds()) / 1000
			return err
		})
	}
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		d.t.Errorf("first success: %v", err)
	}
	return waits
}

var residents sync.Map // by shard

// residentOf returns a player that lives in a shard.
func residentOf(s int) string {
	if name, ok := residents.Load(s); ok {
		return name.(string)
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("resident-%d", i)
		if (cluster.ActorID{Kind: "player", ID: name}).Shard(shardCount) == cluster.ShardID(s) {
			residents.Store(s, name)
			return name
		}
	}
}
