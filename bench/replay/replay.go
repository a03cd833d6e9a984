package replay

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/bench/report"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
)

// run is one replay in progress.
type run struct {
	Config
	survey *survey
	rpc    adminv1connect.AdminServiceClient
	before ledger // of the players, if there were some already
	own    bool   // the node is started for the replay
	// missing are sentences on what the tape speaks of and the cluster has not.
	missing []string

	crew    []*crewMate
	started time.Time
	took    time.Duration // of the longest worker

	// What the workers have said.
	seconds  []second
	latency  *hdrhistogram.Histogram
	delay    *hdrhistogram.Histogram
	outcomes []report.Outcomes
	ledger   ledger
	open     int64
	counts   counts
}

// counts are what else workers have counted.
type counts struct {
	sent, done, errors       int64
	events, reconnects, held int64
	lost, unopened           mishaps
	skipped                  int
	players                  int
	processor                time.Duration
}

// second is one of a replay.
type second struct {
	due, sent, done int64
	errors          map[string]int64
	latency         *hdrhistogram.Histogram
}

// Replay replays a tape and compares. An error means that it could not be done, or,
// with a run, that something is wrong besides; whether it went well says Run.Checks.
func Replay(ctx context.Context, cfg Config) (out *report.Run, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check replay: %w", err)
	}
	r := &run{Config: cfg.withDefaults(), latency: figures.NewHistogram(), delay: figures.NewHistogram(), ledger: newLedger()}
	r.phase("Reading the tape")
	if r.survey, err = look(r.Tape, r.Speed); err != nil {
		return nil, err
	}
	if r.survey.requests == 0 {
		return nil, errors.New("there are no requests on the tape")
	}
	if r.Target.URL == "" {
		r.phase("Starting a node in a process of its own")
		n, err := launch.StartNode(ctx, r.Executable, r.survey.funds()...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, n.Stop()) }()
		r.Target, r.own = n.Target, true
	}
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	rpc, release := r.Target.Operator()
	defer release()
	r.rpc = rpc
	return r.replay(ctx)
}

func (r *run) replay(ctx context.Context) (*report.Run, error) {
	if err := r.stock(ctx); err != nil {
		return nil, err
	}
	if r.own {
		if err := r.openZones(ctx); err != nil {
			return nil, err
		}
	}
	b, err := readBooks(ctx, r.rpc, r.Prefix)
	if err != nil {
		return nil, err
	}
	r.before = b.players
	if !r.own {
		if err := r.absent(ctx, b); err != nil {
			return nil, err
		}
	}
	r.Workers = r.workersFor(r.survey.peakRate(r.Scale), r.survey.shownRate(r.Scale), r.survey.open*r.Scale, runtime.GOMAXPROCS(0))
	r.phase(fmt.Sprintf("Starting %s", figures.Plural(r.Workers, "worker")))
	sampler, err := report.StartSampler(ctx, report.SamplerConfig{Target: r.Target})
	if err != nil {
		return nil, err
	}
	defer sampler.Stop(ctx)
	if err := r.work(ctx); err != nil {
		return nil, err
	}
	sampler.Stop(ctx)
	r.phase("Comparing with the books")
	checks, err := r.settle(ctx)
	if err != nil {
		return nil, err
	}
	if c := r.heard(); !c.OK {
		checks = append(checks, c)
	}
	out, err := r.report(checks)
	if err != nil {
		return nil, err
	}
	out.Notes = append(out.Notes, r.hints()...)
	sampler.Fill(ctx, out)
	return out, nil
}

func (r *run) phase(name string) {
	if r.Progress != nil {
		r.Progress.Phase(name)
	}
}
