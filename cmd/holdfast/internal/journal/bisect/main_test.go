package bisect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
)

// TestMain is also what the tests run as builds: links to the test's own program,
// which is whatever its name says. See build_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		if err := serveAs(filepath.Base(os.Args[0])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// With the race detector each build would sleep for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err) // the name can be set
	}
	os.Exit(m.Run())
}

const childArg = "be-a-build"

// Names of builds. What is different in one happens at the events that have these
// amounts.
const (
	plain    = "plain"    // is right
	planted  = "planted"  // adds one more, once, and never makes up for it
	heals    = "heals"    // adds one more, and one less at the actor's next event
	crashes  = "crashes"  // ends
	refuses  = "refuses"  // cannot apply it
	hangs    = "hangs"    // thinks for ever
	reads    = "reads"    // reads states of checkpoints as one more
	unstable = "unstable" // is planted the first time it runs in its folder
	garbage  = "garbage"  // is no build at all

	amountPlanted = 1001
	amountRefused = 1002 // by all of them
)

func serveAs(name string) error {
	if name == garbage {
		fmt.Println("usage: garbage [flags]")
		return errors.New("unknown command")
	}
	if name == unstable {
		been := os.Args[0] + ".been"
		if _, err := os.Stat(been); err == nil {
			name = plain
		} else if err := os.WriteFile(been, nil, 0o600); err != nil {
			return err
		} else {
			name = planted
		}
	}
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	kinds, err := actors.NewRegistry(actors.Kind{Name: "tally", Event: number, State: number, New: func(string) actors.Behaviour {
		return &tally{build: name}
	}})
	if err != nil {
		return err
	}
	return Serve(os.Stdin, os.Stdout, "build "+name, kinds)
}

// tally is a sum that its events add to.
type tally struct {
	build string
	sum   int64
	owes  bool
}

func (c *tally) Decide(*actors.Env, *actors.Message, *actors.Decision) error { return nil }

func (c *tally) Apply(e proto.Message) error {
	n := e.(*wrapperspb.Int64Value).GetValue()
	c.sum += n
	if c.owes {
		c.sum, c.owes = c.sum-1, false
	}
	switch {
	case n == amountRefused:
		return errors.New("unbearable, says " + c.build)
	case n != amountPlanted:
		return nil
	}
	switch c.build {
	case planted:
		c.sum++
	case heals:
		c.sum, c.owes = c.sum+1, true
	case crashes:
		fmt.Fprintln(os.Stderr, "fatal error: stack overflow")
		os.Exit(3)
	case refuses:
		panic("no such number")
	case hangs:
		<-time.After(time.Hour) // until it is ended
	}
	return nil
}

func (c *tally) Snapshot() proto.Message { return wrapperspb.Int64(c.sum) }

func (c *tally) Restore(s proto.Message) error {
	c.sum = s.(*wrapperspb.Int64Value).GetValue()
	if c.build == reads {
		c.sum++
	}
	return nil
}
