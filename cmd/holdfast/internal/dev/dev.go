// Package dev is `holdfast dev`: an etcd and a NATS server by themselves, so that
// several nodes can be tried out on one machine.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// startPatience bounds how long the servers may take to read their data.
const startPatience = time.Minute

// Command returns `dev`.
func Command() *cobra.Command {
	var data, etcd, nats string
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run etcd and NATS alone, for several nodes on one machine",
		Long: `Run etcd and NATS alone, for several nodes on one machine. They ask for no
credentials and are one server each: a cluster that matters has its own.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			defer context.AfterFunc(ctx, stop)()
			return run(ctx, c.OutOrStdout(), data, etcd, nats)
		},
	}
	f := c.Flags()
	f.StringVar(&data, "data", "./data-dev", "data folder")
	f.StringVar(&etcd, "etcd-listen", "127.0.0.1:0", "address of etcd")
	f.StringVar(&nats, "nats-listen", "127.0.0.1:0", "address of NATS")
	return c
}

func run(ctx context.Context, out io.Writer, data, etcd, nats string) (err error) {
	dir, err := datadir.Open(data)
	if err != nil {
		return exit.Unstarted(err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()

	starting, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	stack, err := devstack.Start(starting, devstack.Config{
		Dir: filepath.Join(dir.Path(), "stack"), EtcdListen: etcd, NATSListen: nats,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return exit.Unstarted(err)
	}
	defer stack.Close()
	if _, err := fmt.Fprintf(out, "--etcd %s --nats %s\n", strings.Join(stack.EtcdEndpoints(), ","), stack.NATSURL()); err != nil {
		return fmt.Errorf("print addresses: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-stack.Err():
		return fmt.Errorf("etcd failed: %w", err)
	}
}
