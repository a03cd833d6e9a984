// Package app is the program holdfast, for mains that host kinds of actors of
// their own beside the built-in ones:
//
//	func main() { app.Main(guild.Kind()) }
//
// It owns the command line, the exit status and what the node is made of. Every
// node of a cluster must run with the same kinds: a shard whose actors a node
// does not know cannot be served by it.
package app

import (
	"context"
	"fmt"
	"os"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

// Main runs the command line and ends the process: with 0 when all went well, 1
// when a command ran and what it found or did is bad, and 2 when it could not
// start. In the latter cases one line on standard error says what is wrong and
// where.
func Main(kinds ...actors.Kind) {
	err := newRoot(kinds).ExecuteContext(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", exit.Line(err))
	}
	os.Exit(exit.Status(err))
}
