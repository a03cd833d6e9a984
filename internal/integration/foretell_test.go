package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway/auth"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// foretold is what `simulate rebalance` prints.
type foretold struct {
	Timeline []struct {
		From, To float64
		Nodes    map[string]struct {
			Shards   int
			Commands float64
		}
	}
	Moves []struct {
		Shard    uint32
		From, To string
		StallMs  float64 `json:"stall_ms"`
	}
	Waited uint64
}

// crowd is players who look at themselves, each at its pace, and the tape of it.
type crowd struct {
	mu    sync.Mutex
	tape  *tape.Writer
	began time.Time
	err   error // of the tape, or the first of a player
	sent  []sent
}

// sent is one request.
type sent struct {
	at    time.Duration
	shard int
}

func (c *crowd) record(rec tape.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rec.At = time.Since(c.began)
	if rec.Kind == tape.Received {
		c.sent = append(c.sent, sent{rec.At, int(rec.Conn) - 1}) // one player of each shard, in that order
	}
	c.fail(c.tape.Append(&rec))
}

func (c *crowd) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// play has a player ask until ctx ends.
func (c *crowd) play(ctx context.Context, conn *client.Conn, number uint64, id string, every time.Duration) {
	c.record(tape.Record{Kind: tape.Opened, Conn: number, Player: id})
	frame, err := proto.Marshal(&clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_GetPlayer{GetPlayer: new(clientv1.GetPlayer)}})
	tick := time.NewTicker(every)
	defer tick.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.record(tape.Record{Kind: tape.Received, Conn: number, Frame: frame, Size: len(frame)})
		if _, err = conn.GetPlayer(ctx); ctx.Err() != nil {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(fmt.Errorf("player %s: %w", id, err))
}

// atRest waits until the nodes, which have begun one after the other, have each got
// their share. What moves then is no part of what is foretold.
func (d *drill) atRest() {
	d.t.Helper()
	d.nodes[0].await(d.ctx, "be at rest", func() bool {
		m, err := d.admin(0).Moves(d.ctx, connect.NewRequest(&adminv1.MovesRequest{Limit: 1}))
		if err != nil || len(m.Msg.GetUnderWay()) > 0 || m.Msg.GetRebalancing() != nil && m.Msg.GetRebalancing().GetFinished() == nil {
			return false
		}
		has := make(map[string]int)
		for _, name := range d.owners(0) {
			has[name]++
		}
		return min(has["a"], has["b"], has["c"]) >= shardCount/3-1
	})
}

// livesIn is a player of a shard.
func livesIn(s int) string {
	for n := 0; ; n++ {
		if id := fmt.Sprintf("walker-%d", n); (cluster.ActorID{Kind: "player", ID: id}).Shard(shardCount) == cluster.ShardID(s) {
			return id
		}
	}
}

// The players of one of three nodes have far more to ask. What `simulate rebalance`
// foretells from a tape of that is what happens when an operator asks for it.
func TestARebalanceIsAsForetold(t *testing.T) {
	t.Parallel()
	d := startDrill(t, 3*time.Minute)
	d.atRest()
	ready := time.Now()
	owners, status := run(t, d.ctx, "ctl", "shards", "--json", "--data", d.nodes[0].dir)
	if status != 0 {
		t.Fatalf("ctl shards: status %d", status)
	}
	dir := t.TempDir()
	ownersFile, tapeFile := filepath.Join(dir, "shards.json"), filepath.Join(dir, "walk.tape")
	if err := os.WriteFile(ownersFile, []byte(owners), 0o600); err != nil {
		t.Fatal(err)
	}
	before := d.owners(0)
	var conns []*client.Conn
	for s := range before {
		token, err := auth.Mint([]byte(d.nodes[0].secret(d.at[0].SecretFile)), auth.Grant{Player: livesIn(s), Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := client.Dial(d.ctx, d.urls()[s%3], client.Options{Token: token})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}

	c := &crowd{began: time.Now()}
	var err error
	if c.tape, err = tape.Create(tapeFile, tape.Header{Started: c.began}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(d.ctx)
	var players sync.WaitGroup
	for s, conn := range conns {
		every := 200 * time.Millisecond
		if before[s] == "a" {
			every = 25 * time.Millisecond
		}
		players.Go(func() { c.play(ctx, conn, uint64(s)+1, livesIn(s), every) })
	}
	pause(d.ctx, 22*time.Second) // the weights are known, and the planner waits for its turn
	ordered := time.Since(c.began)
	if out, status := run(t, d.ctx, "ctl", "rebalance", "--wait", "--data", d.nodes[0].dir); status != 0 {
		t.Errorf("ctl rebalance: status %d\n%s", status, out)
	}
	pause(d.ctx, 8*time.Second)
	nodes, err := d.admin(0).Nodes(d.ctx, connect.NewRequest(new(adminv1.NodesRequest)))
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := d.admin(0).Moves(d.ctx, connect.NewRequest(&adminv1.MovesRequest{Limit: shardCount}))
	if err != nil {
		t.Fatal(err)
	}
	stop()
	players.Wait()
	if c.fail(c.tape.Close()); c.err != nil {
		t.Fatal(c.err)
	}

	text, status := run(t, d.ctx, "simulate", "rebalance", "--json", "--tape", tapeFile, "--owners", ownersFile, "--nodes", "3",
		"--order", ordered.String(), "--lead", c.began.Sub(ready).String(), "--every", "4s")
	if status != 0 {
		t.Fatalf("simulate rebalance: status %d", status)
	}
	var p foretold
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	p.compare(t, c, d.owners(0), nodes.Msg)
	p.compareMoves(t, receiptsSince(receipts.Msg.GetReceipts(), c.began.Add(ordered)))
}

func receiptsSince(all []*clusterv1.MoveReceipt, at time.Time) []*clusterv1.MoveReceipt {
	return slices.DeleteFunc(all, func(r *clusterv1.MoveReceipt) bool { return r.GetStarted().AsTime().Before(at.Add(-time.Second)) })
}

// compare holds what nodes were to carry in the end against what was sent to the
// shards that they have. What they say themselves is smoothed, and told only: on a
// machine that is short of time it lags behind.
func (p *foretold) compare(t *testing.T, c *crowd, owners []string, nodes *adminv1.NodesResponse) {
	t.Helper()
	last := p.Timeline[len(p.Timeline)-2] // the last may be short
	carried, total := make(map[string]float64), 0.0
	for _, x := range c.sent {
		if at := x.at.Seconds(); at >= last.From && at < last.To {
			carried[owners[x.shard]] += 1 / (last.To - last.From)
			total += 1 / (last.To - last.From)
		}
	}
	for _, n := range nodes.GetNodes() {
		name := n.GetNode().GetName()
		got, want := carried[name], last.Nodes[name]
		t.Logf("%s: %d shards and %.0f/s, it says %.0f/s; %d and %.0f/s were foretold",
			name, n.GetOwned(), got, n.GetLoad().GetCommands(), want.Shards, want.Commands)
		if math.Abs(got-want.Commands) > 0.1*total/3 {
			t.Errorf("%s carries %.0f/s, %.0f/s were foretold, the mean is %.0f/s", name, got, want.Commands, total/3)
		}
	}
}

// compareMoves holds moves and stalls against the receipts.
func (p *foretold) compareMoves(t *testing.T, receipts []*clusterv1.MoveReceipt) {
	t.Helper()
	var stalls []float64
	parked := uint64(0)
	for _, r := range receipts {
		stalls = append(stalls, r.GetStallMs())
		parked += r.GetParked()
	}
	if len(receipts) == 0 || len(p.Moves) == 0 || math.Abs(float64(len(receipts)-len(p.Moves))) > 2 {
		t.Fatalf("%d moves, %d were foretold", len(receipts), len(p.Moves))
	}
	t.Logf("%d moves, %d were foretold; stalls %s, %.0f ms were foretold; %d commands were parked, %d were foretold",
		len(receipts), len(p.Moves), spread(stalls), p.Moves[0].StallMs, parked, p.Waited)
	// A few hundred commands a second: what was to wait is about one of each shard.
	if parked > 5*p.Waited+20 {
		t.Errorf("%d commands were parked, %d were foretold", parked, p.Waited)
	}
	if median := stalls[len(stalls)/2]; median > 5*p.Moves[0].StallMs {
		t.Errorf("half of the stalls are longer than %.1f ms, %.0f ms were foretold", median, p.Moves[0].StallMs)
	}
}
