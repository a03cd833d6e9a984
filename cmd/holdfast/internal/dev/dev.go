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

const (
	// startPatience bounds how long the servers may take to read their data and,
	// where there are several, to find each other.
	startPatience = time.Minute

	defaultData = "./data-dev"
)

// options are what the flags say.
type options struct {
	data       string
	members    int
	processes  bool
	etcd, nats string
}

// Command returns `dev`.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run etcd and NATS alone, for several nodes on one machine",
		Long: `Run etcd and NATS alone, for several nodes on one machine, and print the flags
that nodes need. They ask for no credentials.

With one member each they run in this process. With --members 3 (or --processes)
each etcd member and each NATS server is a process of its own: what it takes to see
a quorum lost, or a leader fail. Their process ids, addresses and folders are in
dev.json in the data folder, which is kept true. A member that ends stays down until
"holdfast dev restart NAME"; it comes back with its data and its addresses. All of
them end with this process, however it ends.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			// Once one has come, the next finds no handler and ends the process.
			defer context.AfterFunc(ctx, stop)()
			if err := o.validate(); err != nil {
				return exit.Unstarted(err)
			}
			dir, err := datadir.Open(o.data)
			if err != nil {
				return exit.Unstarted(err)
			}
			run := runStack
			if o.members > 1 || o.processes {
				run = runMembers
			}
			return errors.Join(run(ctx, c.OutOrStdout(), dir, o), dir.Close())
		},
	}
	c.PersistentFlags().StringVar(&o.data, "data", defaultData, "data folder")
	f := c.Flags()
	f.IntVar(&o.members, "members", 1, "members of etcd, and servers of NATS: 1, 3 or 5")
	f.BoolVar(&o.processes, "processes", false, "with one member each, too, run them as processes of their own")
	f.StringVar(&o.etcd, "etcd-listen", "127.0.0.1:0", "address of etcd, in this process")
	f.StringVar(&o.nats, "nats-listen", "127.0.0.1:0", "address of NATS, in this process")
	c.AddCommand(restartCommand(&o.data), roomCommand(&o.data), memberCommand(&o.data))
	return c
}

func (o options) validate() error {
	if o.members != 1 && o.members != 3 && o.members != 5 {
		return fmt.Errorf("--members: %d, must be 1, 3 or 5", o.members)
	}
	return nil
}

// runStack runs one server of each in this process.
func runStack(ctx context.Context, out io.Writer, dir *datadir.Dir, o options) error {
	starting, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	stack, err := devstack.Start(starting, devstack.Config{
		Dir: dir.File("stack"), EtcdListen: o.etcd, NATSListen: o.nats, Logger: newLogger(slog.LevelWarn),
	})
	if err != nil {
		return exit.Unstarted(err)
	}
	defer stack.Close()
	if err := printFlags(out, stack.EtcdEndpoints(), []string{stack.NATSURL()}, 1); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-stack.Err():
		return fmt.Errorf("etcd failed: %w", err)
	}
}

// printFlags prints what nodes are to be started with.
func printFlags(out io.Writer, etcd, nats []string, replicas int) error {
	line := fmt.Sprintf("--etcd %s --nats %s", strings.Join(etcd, ","), strings.Join(nats, ","))
	if replicas > 1 {
		line += fmt.Sprintf(" --replicas %d", replicas)
	}
	if _, err := fmt.Fprintln(out, line); err != nil {
		return fmt.Errorf("print addresses: %w", err)
	}
	return nil
}

func newLogger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// memberFolder holds the folders and logs of the members.
func memberFolder(dir string) string { return filepath.Join(dir, "members") }
