package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/bench/chaos/history"
)

// healPatience bounds mending what one fault has broken.
const healPatience = 20 * time.Second

// campaign is a run in progress.
type campaign struct {
	Config
	program []string
	dir     string
	began   time.Time
	report  *Report

	cluster  *cluster
	recorder *history.Recorder
}

// Run runs a campaign. An error means that it could not be run to its end;
// whether the cluster kept its promises says the report. The folder is named in
// either case, unless nothing was begun, and stays unless all went well.
func Run(ctx context.Context, cfg Config) (report *Report, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check campaign: %w", err)
	}
	c := &campaign{Config: cfg.withDefaults(), began: time.Now(), program: cfg.Executable}
	if err := c.open(); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, c.stop(err))
		if err == nil && cfg.Keep == "" && report.OK() {
			report.Folder = ""
			err = os.RemoveAll(c.dir)
		} else if err != nil {
			err = fmt.Errorf("%w (everything is in %s)", err, c.dir)
		}
	}()
	schedule := Schedule(c.Config)
	c.report = &Report{Seed: c.Seed, Members: c.Members, For: c.For.Seconds(), Rate: c.Rate, Folder: c.dir}
	if err := writeJSON(filepath.Join(c.dir, "schedule.json"), schedule); err != nil {
		return nil, err
	}
	c.say("Starting %d members of etcd and NATS each, %d nodes and %d gateways", c.Members, shardNodes, gatewayNodes)
	started, err := startCluster(ctx, c.Config, c.program, c.dir)
	if err != nil {
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	c.cluster = started
	if err := c.hold(ctx, schedule); err != nil {
		return nil, err
	}
	if err := c.judge(ctx); err != nil {
		return nil, err
	}
	c.report.TookSeconds = time.Since(c.began).Seconds()
	return c.report, writeJSON(filepath.Join(c.dir, "report.json"), c.report)
}

// open makes the folder and the history.
func (c *campaign) open() (err error) {
	if len(c.program) == 0 {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find own program: %w", err)
		}
		c.program = []string{self}
	}
	if c.Keep == "" {
		c.dir, err = os.MkdirTemp("", "holdfast-chaos-")
	} else if c.dir, err = filepath.Abs(c.Keep); err == nil {
		err = os.MkdirAll(c.dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if found, err := os.ReadDir(c.dir); err != nil || len(found) > 0 {
		return fmt.Errorf("folder %s is not empty, or cannot be read: %w", c.dir, err)
	}
	if c.recorder, err = history.Create(filepath.Join(c.dir, "history")); err != nil {
		return err
	}
	return nil
}

// stop ends the processes. What they complain about matters only if nothing else
// went wrong.
func (c *campaign) stop(failed error) error {
	var err error
	if c.cluster != nil {
		c.say("Ending all processes")
		err = c.cluster.stop()
	}
	if failed != nil {
		_ = c.recorder.Close() // as much as there is
	}
	return err
}

// say tells how the campaign goes.
func (c *campaign) say(format string, args ...any) {
	fmt.Fprintf(c.Log, "%6.1f s  %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// hold holds the sales while faults are injected, and returns when both are over
// and everything is healed.
func (c *campaign) hold(ctx context.Context, schedule []Fault) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.say("Putting goods on sale and giving %d players money", c.Players)
	sales := c.startSales(ctx)
	if err := sales.awaitLoad(ctx); err != nil {
		return err
	}
	begin := time.Now()
	c.say("The sale has begun; %d faults in %s, seed %d", len(schedule), c.For, c.Seed)
	var rest sync.WaitGroup
	faulting, stop := context.WithCancel(ctx)
	rest.Go(func() { c.inject(faulting, schedule, begin) })
	rest.Go(func() { c.watch(faulting, begin) })
	err := sales.wait()
	stop()
	rest.Wait()
	return err
}

// watchEvery is the pause between two lines about the load.
const watchEvery = 10 * time.Second

func (c *campaign) watch(ctx context.Context, begin time.Time) {
	for pause(ctx, watchEvery) {
		c.say("%d requests in %s", c.recorder.Ops(), time.Since(begin).Round(time.Second))
	}
}

// judge gathers the evidence and makes all checks.
func (c *campaign) judge(ctx context.Context) error {
	for _, n := range c.cluster.everyone() {
		c.report.UnaskedEnds += n.process.endsByItself()
	}
	c.say("Waiting until all is settled")
	if err := c.settle(ctx); err != nil {
		return err
	}
	if err := c.recorder.Close(); err != nil {
		return err
	}
	c.checkLive(ctx)
	c.say("Stopping the nodes and reading their logs")
	err := c.cluster.stopNodes()
	c.report.check("all nodes stop when asked to", err == nil, "%v", err)
	c.checkPanics()
	if err := c.dumpLog(ctx); err != nil {
		return err
	}
	c.checkStores(ctx)
	c.say("Judging the history")
	judged, err := history.Check(ctx, c.recorder.Dir(), history.Options{})
	if err != nil {
		return fmt.Errorf("judge history: %w", err)
	}
	c.report.History = judged
	return c.measureRecovery()
}

// dumpLog puts the logs of all nodes beside the history.
func (c *campaign) dumpLog(ctx context.Context) (err error) {
	args, err := c.servers()
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(c.recorder.Dir(), history.LogFile))
	if err != nil {
		return fmt.Errorf("dump logs: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return c.cluster.stream(ctx, f, append([]string{"log", "dump"}, args...)...)
}

// servers are flags that name etcd and NATS, past all proxies.
func (c *campaign) servers() ([]string, error) {
	etcd, err := c.cluster.stack.urls("etcd", "http://")
	if err != nil {
		return nil, err
	}
	nats, err := c.cluster.stack.urls("nats", "nats://")
	return []string{"--etcd", etcd, "--nats", nats}, err
}
