package dev

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
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
// holds the other end, and takes it along when it dies. The lines that come over
// it say how much room a NATS server is to leave.
func runMember(ctx context.Context, lifeline io.Reader, data, name string) error {
	s, err := readState(data)
	if err != nil {
		return exit.Unstarted(err)
	}
	log := newLogger(slog.LevelInfo)
	server, err := devstack.StartMember(name, s.layout(), log)
	if err != nil {
		return exit.Unstarted(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(lifeline); lines.Scan(); {
			bytes, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err == nil {
				err = server.LeaveRoom(bytes)
			}
			log.Info("told how much room to leave", "bytes", lines.Text(), "err", err)
		}
	}()
	if err := server.Wait(ctx); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
