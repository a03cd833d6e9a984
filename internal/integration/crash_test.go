package integration

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench"
)

// crashSeed is the seed of a test's moments; HOLDFAST_TEST_SEED repeats one.
func crashSeed(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if s := os.Getenv("HOLDFAST_TEST_SEED"); s != "" {
		seed = parseSeed(t, s)
	}
	t.Logf("repeat with HOLDFAST_TEST_SEED=%d go test ./internal/integration -run '^%s$'", seed, t.Name())
	return rand.New(rand.NewPCG(seed, 0))
}

// sale runs a sale in the background; wait returns its report and fails the
// test if a check does not hold.
type sale struct {
	t      *testing.T
	done   chan struct{}
	report *bench.SaleReport
	err    error
}

func startSale(t *testing.T, ctx context.Context, urls []string, node *process, admin addresses, length time.Duration, players int) *sale {
	t.Helper()
	s := &sale{t: t, done: make(chan struct{})}
	cfg := bench.SaleConfig{
		URL: strings.Join(urls, ","), Admin: "http://" + admin.Admin, AdminToken: node.secret(admin.AdminTokenFile), Secret: node.secret(admin.SecretFile),
		Players: players, Duration: length, SKUs: 4, Patience: 30 * time.Second, Settle: 30 * time.Second,
	}
	go func() {
		defer close(s.done)
		s.report, s.err = bench.Sale(ctx, cfg)
	}()
	return s
}

func (s *sale) wait() *bench.SaleReport {
	s.t.Helper()
	<-s.done
	if s.err != nil {
		s.t.Fatalf("sale: %v", s.err)
	}
	for _, c := range s.report.Checks() {
		if !c.OK {
			s.t.Errorf("not so: %s", c.Name)
		}
	}
	s.t.Logf("%d purchases; oversold %d, lost %d, duplicated %d, unresolved %d, conserved %t, errors %v",
		s.report.Purchases, s.report.Oversold, s.report.Lost, s.report.Duplicated, s.report.Unresolved, s.report.Conserved, s.report.Errors)
	return s.report
}

// running says whether the sale still goes on.
func (s *sale) running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// pause lets the other processes run for a while of real time: the moment of a
// crash must be a random one.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// The only node is killed at random moments of a sale and started again. Every
// purchase that was acknowledged must be in the books, once.
func TestKillTheOnlyNode(t *testing.T) {
	rnd := crashSeed(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir, listen, admin := t.TempDir(), freePort(t), freePort(t)
	node := newProcess(t, binary, "only", dir, "serve", "--data", dir, "--node", "only", "--listen", listen, "--admin", admin,
		"--rate-limit", "0", "--start-balance", "gold=1000000000")
	node.start()
	at := node.ready(ctx)

	length := time.Duration(*drillCrashes) * 2500 * time.Millisecond
	s := startSale(t, ctx, []string{"ws://" + listen + "/v1/ws"}, node, at, length, 64)
	var slowest time.Duration
	for range *drillCrashes {
		pause(ctx, 200*time.Millisecond+time.Duration(rnd.Int64N(int64(1200*time.Millisecond))))
		if !s.running() {
			t.Fatal("the sale ended before the last kill")
		}
		node.kill()
		start := time.Now()
		node.start()
		node.ready(ctx)
		slowest = max(slowest, time.Since(start))
	}
	t.Logf("%d kills; slowest restart %v from exec to ready", *drillCrashes, slowest.Round(time.Millisecond))
	s.wait()
}

// A node that is asked to stop in the middle of a sale answers what is under
// way, checkpoints and releases: the next one has nothing to replay or to seal.
func TestStopTheOnlyNode(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir, listen, admin := t.TempDir(), freePort(t), freePort(t)
	node := newProcess(t, binary, "only", dir, "serve", "--data", dir, "--node", "only", "--listen", listen, "--admin", admin,
		"--rate-limit", "0", "--start-balance", "gold=1000000000")
	node.start()
	at := node.ready(ctx)
	s := startSale(t, ctx, []string{"ws://" + listen + "/v1/ws"}, node, at, 5*time.Second, 64)
	pause(ctx, 2*time.Second)
	node.stop()
	node.start()
	at = node.ready(ctx)
	if got := node.metric(at.Admin, "holdfast_shard_records_replayed_total"); got != 0 {
		t.Errorf("replayed %v records after a stop in good order, want 0", got)
	}
	if node.log.contains("msg=sealed") {
		t.Error("a log was sealed, although all shards had been released")
	}
	s.wait()
}

// cluster of three nodes in processes of their own, on an etcd and a NATS in a
// fourth.
type threeNodes struct {
	stack *process
	nodes []*process
	at    []addresses
}

func startThree(t *testing.T, ctx context.Context, path string) *threeNodes {
	t.Helper()
	dir, etcd, nats := t.TempDir(), freePort(t), freePort(t)
	c := &threeNodes{stack: newProcess(t, binary, "dev", dir, "dev", "--data", dir, "--etcd-listen", etcd, "--nats-listen", nats)}
	c.stack.start()
	secrets := t.TempDir()
	for name, text := range map[string]string{"auth.secret": strings.Repeat("s", 43), "admin.token": strings.Repeat("t", 43)} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b", "c"} {
		data := t.TempDir()
		n := newProcess(t, path, name, data, "serve", "--data", data, "--node", name, "--listen", freePort(t), "--admin", freePort(t),
			"--etcd", "http://"+etcd, "--nats", "nats://"+nats, "--rate-limit", "0", "--start-balance", "gold=1000000000",
			"--auth-secret-file", filepath.Join(secrets, "auth.secret"), "--admin-token-file", filepath.Join(secrets, "admin.token"))
		c.nodes = append(c.nodes, n)
	}
	// etcd and NATS take a moment; a node that cannot reach them says so and ends.
	for _, addr := range []string{etcd, nats} {
		c.stack.await(ctx, "listen at "+addr, func() bool { return dials(addr) })
	}
	for _, n := range c.nodes {
		n.start()
	}
	for _, n := range c.nodes {
		c.at = append(c.at, n.ready(ctx))
	}
	return c
}

func (c *threeNodes) urls() (urls []string) {
	for _, a := range c.at {
		urls = append(urls, "ws://"+a.Listen+"/v1/ws")
	}
	return urls
}

// One of three nodes is killed in mid-sale: the others take its shards over
// and the sale goes on, through whichever gateway.
func TestKillOneOfThree(t *testing.T) {
	rnd := crashSeed(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := startThree(t, ctx, binary)
	victim := rnd.IntN(3)
	alive := (victim + 1) % 3
	s := startSale(t, ctx, c.urls(), c.nodes[alive], c.at[alive], 15*time.Second, 96)
	pause(ctx, 2*time.Second+time.Duration(rnd.Int64N(int64(3*time.Second))))
	c.nodes[victim].kill()
	start := time.Now()
	c.nodes[alive].await(ctx, "serve with the others what the dead node had", func() bool {
		return c.served(victim) == shardCount
	})
	took := time.Since(start)
	t.Logf("killed node %s: all shards served again after %v", c.nodes[victim].name, took.Round(time.Millisecond))
	if limit := leaseTTL + time.Second; took > limit {
		t.Errorf("all shards served again after %v, want at most %v", took, limit)
	}
	s.wait()
}

const (
	shardCount = 64
	leaseTTL   = 3 * time.Second
)

// served is the number of shards that the nodes but one serve.
func (c *threeNodes) served(but int) (sum int) {
	for i, n := range c.nodes {
		if i != but {
			sum += int(n.metric(c.at[i].Admin, "holdfast_shard_served"))
		}
	}
	return sum
}

// A node that sleeps past its lease, and wakes with requests under way, must not
// acknowledge any of them: its log was sealed while it slept, so its appends are
// refused.
func TestPausedOwnerIsFenced(t *testing.T) {
	t.Parallel()
	for _, complaint := range pausedOwner(t, binary) {
		t.Error(complaint)
	}
}

// The same without the expected sequence on each append. The test above is worth
// something only as long as it finds that.
func TestPausedOwnerWithoutExpectedSequenceIsFound(t *testing.T) {
	t.Parallel()
	path, err := build(t.TempDir(), program, "plant_no_expected_sequence")
	if err != nil {
		t.Fatal(err)
	}
	complaints := pausedOwner(t, path)
	if len(complaints) == 0 {
		t.Error("the planted bug was not found")
	}
	t.Logf("found: %q", complaints)
}

// pausedOwner stops one of three nodes for three times its lease in the middle
// of a sale, and says what is wrong afterwards.
func pausedOwner(t *testing.T, path string) (complaints []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := startThree(t, ctx, path)
	s := startSale(t, ctx, c.urls(), c.nodes[1], c.at[1], 15*time.Second, 96)
	pause(ctx, 2*time.Second)
	c.nodes[0].signal(syscall.SIGSTOP)
	pause(ctx, 3*leaseTTL)
	c.nodes[0].signal(syscall.SIGCONT)
	<-s.done
	if s.err != nil {
		t.Fatalf("sale: %v", s.err)
	}
	if c.nodes[0].metric(c.at[0].Admin, "holdfast_journal_refusals_total") == 0 {
		complaints = append(complaints, "no append of the paused node was refused")
	}
	for _, check := range s.report.Checks() {
		if !check.OK {
			complaints = append(complaints, "not so: "+check.Name)
		}
	}
	return complaints
}
