package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// settlePause is the pause between two looks at books that have not settled.
const settlePause = 500 * time.Millisecond

// settle waits until all processes serve and nothing is under way any more, and
// keeps the books of that moment.
func (c *campaign) settle(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	if err := c.cluster.awaitNodes(waiting); err != nil {
		return err
	}
	var books auditResponse
	var err error
	for {
		var now auditResponse
		if now, err = c.audit(waiting); err == nil {
			books = now
		}
		if books.Settled && books.Conserved {
			break
		}
		if !pause(waiting, settlePause) {
			break
		}
	}
	if books.Accounts == nil {
		return fmt.Errorf("read books: %w", err)
	}
	c.report.check("books settle", books.Settled, "something is held, unconfirmed or on its way after %s", settlePatience)
	c.report.check("books conserved", books.Conserved, "the admin audit does not add up")
	b := history.Books{Settled: books.Settled, Accounts: make(map[string]int64, len(books.Accounts))}
	for name, amount := range books.Accounts {
		if b.Accounts[name], err = amount.Int64(); err != nil {
			return fmt.Errorf("read books: %s: %w", name, err)
		}
	}
	return c.recorder.PutBooks(b)
}

// auditResponse is what `ctl audit --json` prints, as much of it as is needed.
type auditResponse struct {
	Accounts  map[string]number64 `json:"accounts"`
	Conserved bool                `json:"conserved"`
	Settled   bool                `json:"settled"`
}

// number64 is an int64 as protobuf has it in JSON: a string.
type number64 = json.Number

func (c *campaign) audit(ctx context.Context) (a auditResponse, err error) {
	// It ends with 1 when the books do not add up, and prints them nevertheless.
	out, err := c.cluster.ctl(ctx, "audit", "--json")
	if err != nil && len(out) == 0 {
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, fmt.Errorf("read books: %w", err)
	}
	return a, nil
}

// stream runs a command of the program to its end; what it prints goes to w.
func (c *cluster) stream(ctx context.Context, w io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, c.program[0], append(c.program[1:len(c.program):len(c.program)], args...)...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("holdfast %s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// checkStores has the logs and checkpoints checked against each other.
func (c *campaign) checkStores(ctx context.Context) {
	args, err := c.servers()
	if err == nil {
		var out []byte
		out, err = c.cluster.run(ctx, append([]string{"log", "check", "--whole"}, args...)...)
		// What it says is worth keeping either way.
		if e := os.WriteFile(filepath.Join(c.dir, "logcheck.txt"), out, 0o600); err == nil {
			err = e
		}
	}
	c.report.check("logs and checkpoints tell one story", err == nil, "%v: see logcheck.txt", err)
}

// checkLive has each owner prove that its checkpoint and the log give what it has
// in memory.
func (c *campaign) checkLive(ctx context.Context) {
	out, err := c.cluster.ctl(ctx, "verify")
	if e := os.WriteFile(filepath.Join(c.dir, "verify.txt"), out, 0o600); err == nil {
		err = e
	}
	c.report.check("checkpoint and log give the live state", err == nil, "%v: see verify.txt", err)
}

// lastWords are what a Go program says before it dies of a bug.
var lastWords = []string{"panic:", "fatal error:", "DATA RACE"}

// checkPanics looks for nodes that died of a bug.
func (c *campaign) checkPanics() {
	var found []string
	for _, n := range c.cluster.everyone() {
		text, err := os.ReadFile(c.cluster.logFile(n.name))
		if err != nil {
			found = append(found, err.Error())
		}
		for line := range bytes.Lines(text) {
			for _, words := range lastWords {
				if bytes.HasPrefix(line, []byte(words)) || bytes.Contains(line, []byte("WARNING: DATA RACE")) {
					found = append(found, fmt.Sprintf("%s: %s", n.name, bytes.TrimSpace(line)))
					break
				}
			}
		}
	}
	c.report.check("no process died of a bug", len(found) == 0, "%s", strings.Join(found, "; "))
}
