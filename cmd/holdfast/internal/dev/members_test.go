package dev

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/bench"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
)

// startMembers starts three members of each and returns when they serve.
func startMembers(t *testing.T, dir string) (*process, *State) {
	t.Helper()
	p := start(t, "dev", "--members", "3", "--data", dir)
	await(t, "dev.json says that the clusters serve", func() bool {
		select {
		case <-p.exited:
			t.Fatal("holdfast dev ended")
		default:
		}
		s, err := readState(dir)
		return err == nil && s.Ready && s.PID == p.cmd.Process.Pid
	})
	s, err := readState(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func pidOf(t *testing.T, dir, name string) int {
	t.Helper()
	s, err := readState(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.member(name)
	if err != nil {
		t.Fatal(err)
	}
	return m.PID
}

func TestMembersPrintWhatNodesNeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, s := startMembers(t, dir)
	want := "--etcd " + strings.Join(s.Etcd, ",") + " --nats " + strings.Join(s.NATS, ",") + " --replicas 3\n"
	await(t, "the flags are printed", func() bool { return p.out.String() == want })
	if len(s.Members) != 6 || len(s.Etcd) != 3 || len(s.NATS) != 3 {
		t.Fatalf("got %+v, want three of each", s)
	}
	for _, m := range s.Members {
		if !lives(m.PID) || m.PID == p.cmd.Process.Pid {
			t.Errorf("%s: process %d does not run by itself", m.Name, m.PID)
		}
		if _, err := os.Stat(m.Dir); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	p.signal(syscall.SIGTERM)
	<-p.exited
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("ended with %d after SIGTERM, want 0", code)
	}
	for _, m := range s.Members {
		if lives(m.PID) {
			t.Errorf("%s outlived its supervisor", m.Name)
		}
	}
	if after, err := readState(dir); err != nil || after.PID != 0 || after.Ready || pidOf(t, dir, "nats-3") != 0 {
		t.Errorf("got %+v, %v afterwards, want no process ids", after, err)
	}
}

// The supervisor is killed, and one member is stopped, so that it sees nothing.
func TestMembersEndWithAKilledSupervisor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, before := startMembers(t, dir)
	if err := syscall.Kill(before.Members[0].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGKILL)
	<-p.exited
	for _, m := range before.Members {
		await(t, m.Name+" ends with its supervisor", func() bool { return !lives(m.PID) })
	}
	// The same members serve again at the same addresses.
	_, after := startMembers(t, dir)
	if !slices.Equal(before.layoutNames(), after.layoutNames()) {
		t.Errorf("got %q after a restart, want %q", after.layoutNames(), before.layoutNames())
	}
}

func (s *State) layoutNames() (all []string) {
	for _, m := range s.Members {
		all = append(all, m.Name+" "+m.Client+" "+m.Peer+" "+m.Dir)
	}
	return all
}

func TestRestartOfMembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, s := startMembers(t, dir)
	kill := func(name string) {
		t.Helper()
		if err := syscall.Kill(pidOf(t, dir, name), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, "dev.json says that "+name+" is down", func() bool { return pidOf(t, dir, name) == 0 })
	}
	kill("etcd-2")
	out, err := run(t, "dev", "restart", "etcd-2", "--data", dir)
	if err != nil || strings.TrimSpace(out) == "0" || !lives(pidOf(t, dir, "etcd-2")) {
		t.Errorf("restart of a member that is down: %q, %v", out, err)
	}
	// One that runs, and cannot hear: it is woken, ended, and started.
	old := pidOf(t, dir, "nats-1")
	if err := syscall.Kill(old, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "dev", "restart", "nats-1", "--data", dir); err != nil {
		t.Errorf("restart of a member that runs: %q, %v", out, err)
	}
	if now := pidOf(t, dir, "nats-1"); now == old || lives(old) || !lives(now) {
		t.Errorf("nats-1 was process %d and is %d, want another one", old, now)
	}
	if out, err := run(t, "dev", "restart", "redis-1", "--data", dir); err == nil || !strings.Contains(out, "no member") {
		t.Errorf("restart of an unknown member: %q, %v", out, err)
	}
	awaitServing(t, s)
	roomIsLeft(t, dir, s)
	if out, err := run(t, "dev", "restart", "etcd-2", "--data", t.TempDir()); err == nil || !strings.Contains(out, "no holdfast dev") {
		t.Errorf("restart where nothing runs: %q, %v", out, err)
	}
}

// roomIsLeft checks that NATS refuses to store anything when told to, and stores
// again afterwards.
func roomIsLeft(t *testing.T, dir string, s *State) {
	t.Helper()
	nc, err := nats.Connect(strings.Join(s.NATS, ","), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	store := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := js.Publish(ctx, "s", make([]byte, 1000))
		return err
	}
	await(t, "a stream can be made and written", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
		return err == nil && store() == nil
	})
	for _, bytes := range []string{"500", "all"} {
		full := bytes != "all"
		if out, err := run(t, "dev", "room", bytes, "--data", dir); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		await(t, "NATS heeds room "+bytes, func() bool {
			err := store()
			return full && err != nil && strings.Contains(err.Error(), "exceeded") || !full && err == nil
		})
	}
}

// awaitServing waits until etcd and NATS answer what needs most members.
func awaitServing(t *testing.T, s *State) {
	t.Helper()
	await(t, "etcd serves", func() bool { return etcdLeader(s) != "" })
	nc, err := nats.Connect(strings.Join(s.NATS, ","), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "NATS serves", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.AccountInfo(ctx)
		return err == nil
	})
}

// etcdLeader is the name of the member that leads, "" when a healthy leader is
// not to be found. It is asked over HTTP: only cluster may use etcd's client.
func etcdLeader(s *State) string {
	for _, m := range s.Members {
		if m.Role != "etcd" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		leads := etcdLeads(ctx, m.Client)
		cancel()
		if leads {
			return m.Name
		}
	}
	return ""
}

func etcdLeads(ctx context.Context, client string) bool {
	get := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+client+path, nil)
		if err != nil {
			return nil
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil
		}
		return r
	}
	r := get("/health")
	if r == nil {
		return false
	}
	defer r.Body.Close()
	var health struct{ Health string }
	if json.NewDecoder(r.Body).Decode(&health) != nil || health.Health != "true" {
		return false
	}
	metrics := get("/metrics")
	if metrics == nil {
		return false
	}
	defer metrics.Body.Close()
	return scrape(metrics.Body)["etcd_server_is_leader"] == "1"
}

// Two nodes with three copies of everything serve a sale while the leader of
// etcd and one NATS server are killed and come back.
func TestNodesServeWithoutOneMember(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, s := startMembers(t, dir)
	secrets := t.TempDir()
	for _, name := range []string{"auth.secret", "admin.token"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(strings.Repeat("s", 43)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var urls []string
	var admin string
	for _, name := range []string{"a", "b"} {
		data := t.TempDir()
		node := start(t, "serve", "--data", data, "--node", name, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--etcd", strings.Join(s.Etcd, ","), "--nats", strings.Join(s.NATS, ","), "--replicas", "3", "--rate-limit", "0",
			"--auth-secret-file", filepath.Join(secrets, "auth.secret"), "--admin-token-file", filepath.Join(secrets, "admin.token"))
		var at datadir.NodeFile
		await(t, "node "+name+" is ready", func() (ok bool) {
			select {
			case <-node.exited:
				t.Fatalf("node %s ended", name)
			default:
			}
			var err error
			at, err = datadir.ReadNodeFile(data)
			return err == nil
		})
		urls, admin = append(urls, "ws://"+at.Listen+"/v1/ws"), "http://"+at.Admin
	}
	type outcome struct {
		report *bench.SaleReport
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := bench.Sale(t.Context(), bench.SaleConfig{
			URL: strings.Join(urls, ","), Admin: admin, AdminToken: strings.Repeat("s", 43), Secret: strings.Repeat("s", 43),
			Players: 16, Rate: 200, Duration: 12 * time.Second, Patience: time.Minute, Settle: 30 * time.Second,
		})
		done <- outcome{r, err}
	}()
	for _, name := range []string{etcdLeader(s), "nats-1"} {
		if err := syscall.Kill(pidOf(t, dir, name), syscall.SIGKILL); err != nil {
			t.Fatalf("kill %s: %v", name, err)
		}
		await(t, "dev.json says that "+name+" is down", func() bool { return pidOf(t, dir, name) == 0 })
		await(t, "another etcd member leads", func() bool { l := etcdLeader(s); return l != "" && l != name })
		if out, err := run(t, "dev", "restart", name, "--data", dir); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	}
	sale := <-done
	if sale.err != nil {
		t.Fatal(sale.err)
	}
	for _, c := range sale.report.Checks() {
		if !c.OK {
			t.Errorf("not so: %s", c.Name)
		}
	}
	t.Logf("%d purchases, slowest %v ms, errors %v", sale.report.Purchases, sale.report.LatencyMs.Max, sale.report.Errors)
}
