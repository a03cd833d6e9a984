package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/launch"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// SamplerConfig says what to look into.
type SamplerConfig struct {
	// Target is the cluster: Admin and AdminToken are used.
	Target launch.Target
	// Every is the time between two looks at a node. 1 s.
	Every time.Duration
}

// Validate says which field cannot work, defaults applied.
func (c SamplerConfig) Validate() error {
	if c.Target.Admin == "" {
		return errors.New("Target: Admin is missing, where metrics are read")
	}
	if c.Every < 0 {
		return fmt.Errorf("Every: %s is negative", c.Every)
	}
	return nil
}

// lookAgain is how many samples are taken between two looks at which nodes there
// are: a node that joins is seen within that many.
const lookAgain = 5

// shortest is the time that a sample is of at least: processor time is counted in
// hundredths of a second.
const shortest = 100 * time.Millisecond

// Sampler looks into the nodes of a cluster while load is put on it. What cannot
// be found out is missing in the run, and noted there: a node that is killed is
// no reason for a run to end.
type Sampler struct {
	cfg     SamplerConfig
	rpc     adminv1connect.AdminServiceClient
	release func()
	http    *http.Client
	cancel  context.CancelFunc
	done    chan struct{}
	stop    sync.Once

	before []*adminv1.ShardRow // who owned what when it began

	// For the goroutine, and for Stop when that has ended.
	nodes    map[string]*sampled // by name
	troubles []string
}

// sampled is what is known of one node.
type sampled struct {
	Node
	admin   string // base URL
	at      []time.Time
	last    *scrape
	missing bool // it was not seen when it was last looked which nodes there are
}

// StartSampler begins to look, until Stop or Fill. The first look is over when it returns,
// so that what is used from then on is counted.
func StartSampler(ctx context.Context, cfg SamplerConfig) (*Sampler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check sampler: %w", err)
	}
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	s := &Sampler{cfg: cfg, http: &http.Client{Transport: cfg.Target.Transport()}, done: make(chan struct{}), nodes: make(map[string]*sampled)}
	s.rpc, s.release = cfg.Target.Operator()
	ctx, s.cancel = context.WithCancel(ctx)
	shards, err := s.rpc.Shards(ctx, connect.NewRequest(&adminv1.ShardsRequest{}))
	if err != nil {
		s.trouble("Which shards changed their owners is not known: " + err.Error())
	} else {
		s.before = shards.Msg.GetShards()
	}
	s.find(ctx)
	s.sample(ctx)
	go s.run(ctx)
	return s, nil
}

func (s *Sampler) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if n%lookAgain == 0 {
			s.find(ctx)
		}
		s.sample(ctx)
	}
}

// find looks which nodes there are.
func (s *Sampler) find(ctx context.Context) {
	found, err := s.rpc.Nodes(ctx, connect.NewRequest(&adminv1.NodesRequest{}))
	if err != nil {
		if len(s.nodes) == 0 { // then at least the one that was named
			s.nodes[s.cfg.Target.Admin] = &sampled{Node: Node{Name: strings.TrimPrefix(s.cfg.Target.Admin, "http://")}, admin: s.cfg.Target.Admin}
		}
		return
	}
	for _, n := range s.nodes {
		n.missing = true
	}
	for _, row := range found.Msg.GetNodes() {
		node := row.GetNode()
		if !row.GetAlive() {
			continue
		}
		admin := s.cfg.Target.Admin
		if a := node.GetAdminAddress(); a != "" {
			admin = s.beside(a)
		} else if len(found.Msg.GetNodes()) > 1 {
			s.trouble(fmt.Sprintf("Node %s has no admin listener that others reach: what it used is not known.", node.GetName()))
			continue
		}
		n := s.nodes[node.GetName()]
		if n == nil {
			n = &sampled{Node: Node{Name: node.GetName()}}
			s.nodes[node.GetName()] = n
		}
		n.admin, n.Version, n.missing = admin, node.GetVersion(), false
	}
}

// beside is the base URL of another admin listener, reached as the first is.
func (s *Sampler) beside(address string) string {
	u, err := url.Parse(s.cfg.Target.Admin)
	if err != nil || u.Scheme == "" {
		return "http://" + address
	}
	return u.Scheme + "://" + address
}

// sample looks into every node, at once.
func (s *Sampler) sample(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range s.nodes {
		if !n.missing {
			all.Go(func() { n.sample(ctx, s.http) })
		}
	}
	all.Wait()
}

func (n *sampled) sample(ctx context.Context, c *http.Client) {
	now, err := readMetrics(ctx, c, n.admin)
	if err != nil {
		return // a gap
	}
	if n.last != nil && now.at.Sub(n.last.at) < shortest {
		return
	}
	if n.last != nil {
		n.Samples = append(n.Samples, now.since(n.last))
		n.at = append(n.at, now.at)
		n.CommitSizes = now.addSizes(n.CommitSizes, n.last)
	}
	n.last = now
}

// trouble takes down, once, what could not be found out.
func (s *Sampler) trouble(text string) {
	if !slices.Contains(s.troubles, text) {
		s.troubles = append(s.troubles, text)
	}
}

// Stop looks once more and ends the looking. What follows does nothing.
func (s *Sampler) Stop(ctx context.Context) {
	s.stop.Do(func() {
		s.cancel()
		<-s.done
		s.sample(ctx)
		s.http.CloseIdleConnections()
		s.release()
	})
}

// Fill adds to a run, whose Started must be set, what was seen until Stop, and
// asks who owned what in the meantime. It stops the sampler if that was not done.
func (s *Sampler) Fill(ctx context.Context, r *Run) {
	s.Stop(ctx)
	defer s.release()
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		n := s.nodes[name]
		if len(n.Samples) == 0 {
			s.trouble(fmt.Sprintf("What node %s used is not known: its metrics could not be read at %s.", name, n.admin))
			continue
		}
		for i, at := range n.at {
			n.Samples[i].At = at.Sub(r.Started).Seconds()
		}
		r.Nodes = append(r.Nodes, n.Node)
	}
	if s.before != nil {
		changes, err := s.changes(ctx, r.Started)
		if err != nil {
			s.trouble("Which shards changed their owners is not known: " + err.Error())
		}
		r.Ownership = append(r.Ownership, changes...)
	}
	r.Notes = append(r.Notes, s.troubles...)
}
