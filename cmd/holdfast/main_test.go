package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// binary is the program under test, built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "holdfast-command-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "holdfast")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// patience bounds each wait for another process.
const patience = 30 * time.Second

// result is how a command ended.
type result struct {
	status         int
	stdout, stderr string
}

// run runs a command to its end, in a folder of its own.
func run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &stdout, &stderr
	err := cmd.Run()
	if exited := new(exec.ExitError); err != nil && !errors.As(err, &exited) {
		t.Fatalf("holdfast %s: %v", strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		t.Fatalf("holdfast %s did not end:\n%s", strings.Join(args, " "), stderr.String())
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// mustRun is run for commands that must succeed; it returns what they print.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	r := run(t, args...)
	if r.status != 0 {
		t.Fatalf("holdfast %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.stdout, r.stderr)
	}
	return r.stdout
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadStarts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	stack := devstack.Test(t)
	used, err := datadir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = used.Close() })
	newer := filepath.Dir(write(t, "FORMAT", "2\n"))
	notFolder := write(t, "file", "")
	// A port that nobody listens on while the test holds it.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := silent.Addr().String()
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}

	serve := func(args ...string) []string {
		return append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)
	}
	for name, tc := range map[string]struct {
		args []string
		want []string // in the one line
	}{
		"an unknown command":        {[]string{"sevre"}, []string{"sevre"}},
		"an unknown flag":           {serve("--lisen=:80"), []string{"--lisen"}},
		"a flag without its value":  {serve("--node"), []string{"--node"}},
		"an argument too many":      {serve("now"), []string{"now"}},
		"a value that cannot work":  {serve("--lease-ttl=soon"), []string{"lease-ttl", "soon"}},
		"no config file":            {serve("--config=/does/not/exist"), []string{"/does/not/exist"}},
		"an unknown key":            {serve("--config", write(t, "c.yaml", "lisen: :80")), []string{"c.yaml", `"lisen"`}},
		"a config that is not YAML": {serve("--config", write(t, "c.yaml", "{")), []string{"c.yaml"}},
		"a taken port for clients":  {serve("--listen", taken.Addr().String()), []string{"listen", taken.Addr().String(), "in use"}},
		"a taken port for operators": {serve("--admin", taken.Addr().String()),
			[]string{"admin", taken.Addr().String(), "in use"}},
		"a taken port for peers": {serve("--peer", taken.Addr().String()),
			[]string{"peer", taken.Addr().String(), "in use"}},
		"an unreachable etcd": {serve("--etcd=http://"+nobody, "--nats", stack.NATSURL()),
			[]string{"etcd", nobody}},
		"an unreachable NATS": {serve("--etcd", stack.EtcdEndpoints()[0], "--nats=nats://"+nobody),
			[]string{"nats", nobody}},
		"another number of shards": {serve("--etcd", stack.EtcdEndpoints()[0], "--nats", stack.NATSURL(),
			"--prefix=/seven", "--shards=5"), []string{"etcd", "7 shards", "5"}},
		"a data folder of a newer format": {serve("--data", newer), []string{newer, "format is 2"}},
		"a data folder that is in use":    {serve("--data", used.Path()), []string{used.Path(), "in use"}},
		"a data folder that is a file":    {serve("--data", notFolder), []string{"data", notFolder}},
		"no secret file":                  {serve("--auth-secret-file=/does/not/exist"), []string{"auth-secret-file", "/does/not/exist"}},
		"a short secret":                  {serve("--auth-secret-file", write(t, "s", "short")), []string{"auth-secret-file", "32"}},
		"a public key that is none":       {serve("--auth-public-key-file", write(t, "k", "key")), []string{"auth-public-key-file", "PEM"}},
		"an empty admin token":            {serve("--admin-token-file", write(t, "a", "\n")), []string{"admin-token-file", "empty"}},
		"no catalog":                      {serve("--catalog=/does/not/exist"), []string{"catalog", "/does/not/exist"}},
		"a catalog with a wrong field":    {serve("--catalog", write(t, "c.yaml", "sword: {prize: 5}")), []string{"sword", "prize"}},
		"no zones file":                   {serve("--zones=/does/not/exist"), []string{"zones", "/does/not/exist"}},
		"a zone that cannot be":           {serve("--zones", write(t, "z.yaml", "plaza: {width: 9, height: 9, hz: 99}")), []string{"z.yaml", "plaza", "hz", "99"}},
		"ctl with a bad mood":             {[]string{"ctl", "zone", "put", "plaza", "--mood=sad"}, []string{"--mood", "sad"}},
		"ctl with a bad width":            {[]string{"ctl", "zone", "put", "plaza", "--width=-1"}, []string{"--width", "-1"}},
		"dev with a taken port for etcd":  {[]string{"dev", "--etcd-listen", taken.Addr().String()}, []string{"etcd", taken.Addr().String()}},
		"dev with a taken port for NATS":  {[]string{"dev", "--nats-listen", taken.Addr().String()}, []string{"NATS", taken.Addr().String()}},
		"dev in a folder in use":          {[]string{"dev", "--data", used.Path()}, []string{used.Path(), "in use"}},
		"a token for nobody":              {[]string{"token"}, []string{"--player"}},
		"a token without a secret":        {[]string{"token", "--player=p"}, []string{datadir.AuthSecretFile}},
		"a token for a bad name":          {[]string{"token", "--player=a/b", "--secret-file", write(t, "s", strings.Repeat("x", 32))}, []string{"a/b"}},
		"ctl without a node":              {[]string{"ctl", "nodes"}, []string{"./data"}},
		"ctl with a bad amount":           {[]string{"ctl", "grant", "p", "gold", "lots"}, []string{"lots"}},
		"a required flag that is missing": {[]string{"journal", "bisect"}, []string{"bad", "good"}},
		"flags that exclude each other":   {[]string{"replay", "a.tape", "--speed=2", "--unpaced"}, []string{"speed", "unpaced"}},
		"a replay of no tape":             {[]string{"replay", "a.tape"}, []string{"a.tape"}},
		"ctl with too few arguments":      {[]string{"ctl", "grant", "p"}, []string{"3 arg"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "shards") {
				t.Cleanup(startNode(t, t.TempDir(), "--etcd", stack.EtcdEndpoints()[0], "--nats", stack.NATSURL(),
					"--prefix=/seven", "--shards=7").stop)
			}
			r := run(t, tc.args...)
			if r.status != 2 {
				t.Errorf("status %d, want 2", r.status)
			}
			if line, rest, _ := strings.Cut(r.stderr, "\n"); line == "" || rest != "" {
				t.Errorf("standard error is not one line:\n%s", r.stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("%q does not say %q", r.stderr, want)
				}
			}
			if r.stdout != "" {
				t.Errorf("printed %q", r.stdout)
			}
		})
	}
}

// process is a node, or another command that runs until it is stopped.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	data   string
	exited chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// start starts a command. It is killed when the test ends, if it still runs.
func start(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, data: data, exited: make(chan struct{})}
	p.cmd = exec.Command(binary, append(args, "--data", data)...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = t.TempDir(), p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the tests look at the state
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
	})
	return p
}

// startNode starts a node and waits until it is ready.
func startNode(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p := start(t, data, append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)...)
	p.await("be ready", func() bool {
		n, err := datadir.ReadNodeFile(data)
		return err == nil && n.PID == p.cmd.Process.Pid
	})
	return p
}

// await polls a condition of another process, which has no event for this one.
func (p *process) await(what string, cond func() bool) {
	p.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-p.exited:
			p.t.Fatalf("ended before it could %s:\n%s", what, p.text())
		case <-deadline:
			p.t.Fatalf("did not %s:\n%s", what, p.text())
		}
	}
}

// stop asks the process to end, waits, and checks that it ended well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("did not end:\n%s", p.text())
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		p.t.Errorf("ended with %d:\n%s", status, p.text())
	}
	if _, err := datadir.ReadNodeFile(p.data); !errors.Is(err, fs.ErrNotExist) {
		p.t.Errorf("node.json is still there: %v", err)
	}
}

// audit returns the books of one product.
func audit(t *testing.T, data, sku string) map[string]any {
	t.Helper()
	var books struct {
		Conserved bool
		Stock     []map[string]any
	}
	if err := json.Unmarshal([]byte(mustRun(t, "ctl", "audit", "--json", "--data", data)), &books); err != nil {
		t.Fatal(err)
	}
	if !books.Conserved {
		t.Error("the books are not conserved")
	}
	for _, s := range books.Stock {
		if s["sku"] == sku {
			return s
		}
	}
	t.Fatalf("the books do not know %s: %v", sku, books.Stock)
	return nil
}

func TestLifeOfANode(t *testing.T) {
	data := t.TempDir()
	catalog := write(t, "catalog.yaml", `
shield:
  title: Shield of dusk
  price: 7
  currency: gold
  stock: 100
  sale_start: 2026-01-01T00:00:00Z
`)
	args := []string{"--node=a", "--catalog", catalog, "--start-balance=gold=10"}
	n := startNode(t, data, args...)

	if nodes := mustRun(t, "ctl", "nodes", "--data", data); !strings.Contains(nodes, "gateway,shard") {
		t.Errorf("nodes:\n%s", nodes)
	}
	if shards := mustRun(t, "ctl", "shards", "--data", data); strings.Count(shards, "\n") != 65 {
		t.Errorf("shards:\n%s", shards)
	}
	for range 2 { // twice what is named happens once
		mustRun(t, "ctl", "sku", "put", "sword", "--price=5", "--currency=gold", "--stock=1000", "--data", data)
		mustRun(t, "ctl", "restock", "sword", "20", "--id=r1", "--data", data)
		if got := mustRun(t, "ctl", "grant", "bob", "gold", "5", "--id=g1", "--data", data); !strings.Contains(got, "bob has 15 gold") {
			t.Errorf("grant: %s", got)
		}
	}
	if r := run(t, "ctl", "sku", "put", "sword", "--stock=7", "--slices=2", "--data", data); r.status != 2 || !strings.Contains(r.stderr, "slices") {
		t.Errorf("changing slices: %+v, want a refusal with status 2", r)
	}
	if token := mustRun(t, "token", "--player=bob", "--data", data); strings.Count(token, ".") != 2 {
		t.Errorf("token %q", token)
	}
	if r := run(t, "serve", "--data", data); r.status != 2 || !strings.Contains(r.stderr, "in use") {
		t.Errorf("a second node in the folder: %+v", r)
	}
	n.await("put the catalog on offer", func() bool {
		return strings.Contains(mustRun(t, "ctl", "audit", "--data", data), "shield")
	})
	n.stop()

	n = startNode(t, data, args...)
	if got := audit(t, data, "sword"); got["initial"] != "1000" || got["restocked"] != "20" || got["free"] != "1020" {
		t.Errorf("after a restart: %v", got)
	}
	if got := audit(t, data, "shield"); got["initial"] != "100" || got["free"] != "100" {
		t.Errorf("after a restart: %v", got)
	}
	n.stop()
}

func TestNodesShareDevServers(t *testing.T) {
	dev := start(t, t.TempDir(), "dev")
	dev.await("print its addresses", func() bool { return strings.HasSuffix(dev.text(), "\n") })
	servers := strings.Fields(dev.text())

	dataA, dataB := t.TempDir(), t.TempDir()
	a := startNode(t, dataA, append(servers, "--node=a", "--roles=shard")...)
	b := startNode(t, dataB, append(servers, "--node=b", "--roles=gateway", "--admin-token-file", filepath.Join(dataA, datadir.AdminTokenFile))...)
	if n, err := datadir.ReadNodeFile(dataA); err != nil || n.Listen != "" {
		t.Errorf("a node that is no gateway listens for clients: %+v, %v", n, err)
	}
	// Any node answers for the whole cluster.
	mustRun(t, "ctl", "sku", "put", "sword", "--stock=10", "--data", dataB)
	if got := audit(t, dataA, "sword"); got["free"] != "10" {
		t.Errorf("books: %v", got)
	}
	r := run(t, append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--node=a"}, servers...)...)
	if r.status != 2 || !strings.Contains(r.stderr, "name") {
		t.Errorf("a second node of that name: %+v, want a refusal", r)
	}
	b.stop()
	a.stop()
	dev.stop()
}

func TestVersion(t *testing.T) {
	if got := mustRun(t, "version"); !strings.HasPrefix(got, "holdfast ") {
		t.Errorf("version %q", got)
	}
}
