package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/internal/devstack"
)

// source is where the logs are, as flags say.
type source struct {
	etcd, nats   []string
	prefix, data string
}

func (s *source) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&s.etcd, "etcd", nil, "URLs of etcd")
	f.StringSliceVar(&s.nats, "nats", nil, "URLs of NATS")
	f.StringVar(&s.prefix, "prefix", "/holdfast", "prefix of the cluster's keys in etcd")
	f.StringVar(&s.data, "data", "./data", "data folder of a node, instead of --etcd and --nats")
}

// reader is a cluster's etcd and NATS, to be read. Whoever gets one closes it.
type reader struct {
	view *cluster.View
	js   jetstream.JetStream

	closers []func() // run backwards by close
}

const (
	// connectPatience bounds how long etcd and NATS may take to answer the first
	// time.
	connectPatience = 5 * time.Second
	// embedPatience is the same for embedded servers that have to be started.
	embedPatience = time.Minute
)

// open connects to the servers that the flags name.
func (s *source) open(ctx context.Context) (_ *reader, err error) {
	r := new(reader)
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if (len(s.etcd) == 0) != (len(s.nats) == 0) {
		return nil, errors.New("--etcd and --nats must be given together")
	}
	at := *s
	if len(at.etcd) == 0 {
		if err := at.find(); err != nil {
			return nil, err
		}
	}
	connect := func(opts ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(strings.Join(at.nats, ","), opts...)
	}
	if len(at.etcd) == 0 {
		stack, err := r.embed(ctx, at.data)
		if err != nil {
			return nil, err
		}
		at.etcd, connect = stack.EtcdEndpoints(), stack.ConnectNATS
	}
	conn, err := connect(nats.Name("holdfast log"), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS %s: %w", strings.Join(at.nats, ","), err)
	}
	r.onClose(conn.Close)
	if r.js, err = jetstream.New(conn); err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	client, err := cluster.Connect(cluster.ConnectConfig{Endpoints: at.etcd})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	r.onClose(func() { _ = client.Close() }) // nothing is under way that its error could tell about
	asking, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	r.view, err = cluster.OpenView(asking, client, cluster.Config{Prefix: at.prefix, Existing: true})
	if err != nil {
		return nil, fmt.Errorf("etcd %s: %w", strings.Join(at.etcd, ","), err)
	}
	r.onClose(r.view.Close)
	return r, nil
}

// read opens what the flags name and has f read it. The error is that of a command
// that could not start, or that of f.
func (s *source) read(c *cobra.Command, f func(*reader) error) error {
	r, err := s.open(c.Context())
	if err != nil {
		return exit.Unstarted(err)
	}
	defer r.close()
	return f(r)
}

// checkShard says whether there is such a shard; -1 is all of them.
func (r *reader) checkShard(only int) error {
	if only < -1 || only >= r.view.Shards() {
		return exit.Unstarted(fmt.Errorf("--shard: %d, must be 0 to %d", only, r.view.Shards()-1))
	}
	return nil
}

// find asks the node that runs in the data folder where its servers are. They
// stay unknown when no node runs.
func (s *source) find() error {
	n, err := datadir.ReadNodeFile(s.data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case n.Etcd == "":
		return fmt.Errorf("the node in %s has etcd and NATS inside its process, where nobody else reaches them: stop it first", s.data)
	}
	s.etcd, s.nats, s.prefix = strings.Split(n.Etcd, ","), strings.Split(n.NATS, ","), n.Prefix
	return nil
}

// embed starts the servers that a stopped node has left in its data folder.
func (r *reader) embed(ctx context.Context, data string) (*devstack.Stack, error) {
	if _, err := os.Stat(filepath.Join(data, datadir.StackFolder)); err != nil {
		return nil, fmt.Errorf("no node runs in %s, and none with embedded servers did: give --etcd and --nats, or --data", data)
	}
	dir, err := datadir.Open(data)
	if err != nil {
		return nil, err
	}
	r.onClose(func() { _ = dir.Close() }) // it was only read
	starting, cancel := context.WithTimeout(ctx, embedPatience)
	defer cancel()
	stack, err := devstack.Start(starting, devstack.Config{Dir: dir.File(datadir.StackFolder), NATSInProcess: true})
	if err != nil {
		return nil, err
	}
	r.onClose(stack.Close)
	return stack, nil
}

func (r *reader) onClose(f func()) { r.closers = append(r.closers, f) }

func (r *reader) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
	r.closers = nil
}
