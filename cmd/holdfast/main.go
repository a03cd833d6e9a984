package main

import (
	"context"
	"fmt"
	"os"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

func main() {
	err := newRoot().ExecuteContext(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "holdfast:", exit.Line(err))
	}
	os.Exit(exit.Status(err))
}
