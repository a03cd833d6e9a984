package dev

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// memberCommand is what the supervisor starts for each member.
func memberCommand(data *string) *cobra.Command {
	return &cobra.Command{
		Use:    "member NAME",
		Short:  "Run one member of dev.json until standard input ends",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return runMember(ctx, os.Stdin, *data, args[0])
		},
	}
}

// runMember runs a member until ctx is done, or lifeline ends: the supervisor
// holds the other end, and takes it along when it dies.
func runMember(ctx context.Context, lifeline io.Reader, data, name string) error {
	s, err := readState(data)
	if err != nil {
		return exit.Unstarted(err)
	}
	server, err := devstack.StartMember(name, s.layout(), newLogger(slog.LevelInfo))
	if err != nil {
		return exit.Unstarted(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, lifeline) // ends, one way or another
		cancel()
	}()
	if err := server.Wait(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
