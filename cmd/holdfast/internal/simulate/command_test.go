package simulate

import (
	"bytes"
	"strings"
	"testing"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/sim"
)

func simulate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := Command()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestSimulate(t *testing.T) {
	out, err := simulate(t, "--seeds", "4", "--steps", "500")
	if err != nil || !strings.Contains(out, "4 seeds") || !strings.Contains(out, "0 failed") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTraceOfOneSeed(t *testing.T) {
	out, err := simulate(t, "--seed", "1", "--steps", "500", "--trace")
	if err != nil || strings.Count(out, "\n") < 100 || !strings.Contains(out, "serves shard") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A planted bug must be found; one that is not fails the command. What it prints
// can be run as it stands.
func TestPlant(t *testing.T) {
	out, err := simulate(t, "--seeds", "2", "--plant", "output-first")
	if err != nil || !strings.Contains(out, "--plant output-first") || !strings.Contains(out, "holdfast simulate --seed ") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := simulate(t, "--seeds", "1", "--steps", "300", "--plant", "past-outbox"); exit.Status(err) != exit.Failed {
		t.Errorf("a bug that so few steps cannot find: %v", err)
	}
}

func TestPlantsAreListed(t *testing.T) {
	out, err := simulate(t, "--plants")
	if err != nil || strings.Count(out, "\n") != len(sim.Plants()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{
		{"--steps", "0"}, {"--workers", "0"}, {"--seeds", "0"}, {"--trace"}, {"--plant", "no-such"},
	} {
		if _, err := simulate(t, args...); exit.Status(err) != exit.Unusable {
			t.Errorf("%q: %v", args, err)
		}
	}
}
