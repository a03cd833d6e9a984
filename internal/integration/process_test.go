package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "holdfast-integration-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if binary, err = build(dir, program, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// program is what is tested; its path below the module's.
const program = "cmd/holdfast"

// build compiles a program of the module, with the given build tags.
func build(dir, program, tags string) (string, error) {
	path := filepath.Join(dir, filepath.Base(program)+tags)
	out, err := exec.Command("go", "build", "-tags", tags, "-o", path, "github.com/holdfast-game/holdfast/"+program).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return path, nil
}

// process is one running program and what it takes to start it again.
type process struct {
	t    *testing.T
	name string
	path string
	args []string
	dir  string // its data folder

	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	log    *lockedBuffer
}

// addresses is what a node writes into its data folder when it is ready.
type addresses struct {
	Listen         string `json:"listen"`
	Admin          string `json:"admin"`
	SecretFile     string `json:"secret_file"`
	AdminTokenFile string `json:"admin_token_file"`
	PID            int    `json:"pid"`
}

// newProcess describes a program; start runs it. It is killed, by its id, when
// the test ends, and its log is shown if the test failed.
func newProcess(t *testing.T, path, name, dir string, args ...string) *process {
	p := &process{t: t, name: name, path: path, dir: dir, args: args, log: new(lockedBuffer)}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.log.tail(6000))
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	_ = os.Remove(filepath.Join(p.dir, "node.json"))
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p.name, err)
	}
	exited, cmd := make(chan struct{}), p.cmd
	p.exited = exited
	go func() {
		_ = cmd.Wait() // the tests end processes in ways that are errors
		close(exited)
	}()
}

// signal sends a signal to the process itself.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: signal %s: %v", p.name, s, err)
	}
}

// kill ends the process at once, if it runs, and waits until it is gone.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.exited
}

// stop asks the process to end in good order and waits.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("%s did not end within 30 s of SIGTERM", p.name)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("%s ended with %d after SIGTERM, want 0", p.name, code)
	}
}

// ready waits until the process serves, and returns where.
func (p *process) ready(ctx context.Context) addresses {
	p.t.Helper()
	var a addresses
	p.await(ctx, "be ready", func() bool {
		text, err := os.ReadFile(filepath.Join(p.dir, "node.json"))
		if err != nil || json.Unmarshal(text, &a) != nil || a.PID != p.cmd.Process.Pid {
			return false
		}
		return p.get("http://"+a.Admin+"/readyz") == http.StatusOK
	})
	return a
}

// secret reads a file that node.json names, relative to the data folder or not.
func (p *process) secret(name string) string {
	p.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(p.dir, name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// await polls a condition of another process, which cannot signal an event to
// this one.
func (p *process) await(ctx context.Context, what string, cond func() bool) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-p.exited:
			p.t.Fatalf("%s ended before it could %s:\n%s", p.name, what, p.log.tail(3000))
		case <-ctx.Done():
			p.t.Fatalf("%s did not %s: %v\n%s", p.name, what, ctx.Err(), p.log.tail(3000))
		}
	}
}

func (p *process) get(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
	return resp.StatusCode
}

// metric returns the sum of a metric's series, 0 when there are none.
func (p *process) metric(admin, name string) float64 {
	p.t.Helper()
	resp, err := http.Get("http://" + admin + "/metrics")
	if err != nil {
		p.t.Fatalf("%s: read metrics: %v", p.name, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s: read metrics: %v", p.name, err)
	}
	var sum float64
	for line := range strings.Lines(string(text)) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if bare, _, _ := strings.Cut(series, "{"); bare == name {
			var v float64
			if _, err := fmt.Sscan(value, &v); err == nil {
				sum += v
			}
		}
	}
	return sum
}

// freePort returns a port that was free a moment ago, for a process that must
// come back at the same address.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// lockedBuffer collects a process's output.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.b.String()
	if len(s) > n {
		s = "…" + s[len(s)-n:]
	}
	return s
}

func (b *lockedBuffer) contains(s string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.b.String(), s)
}

// last returns the newest lines that match.
func (b *lockedBuffer) last(n int, like *regexp.Regexp) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for line := range strings.Lines(b.b.String()) {
		if like.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// dials says whether somebody listens at an address.
func dials(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was sent on it
	return true
}

func parseSeed(t *testing.T, s string) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("HOLDFAST_TEST_SEED: %v", err)
	}
	return seed
}
