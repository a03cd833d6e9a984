package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-game/holdfast/bench/figures"
	"github.com/holdfast-game/holdfast/bench/launch"
	"github.com/holdfast-game/holdfast/client"
)

// echoSKU makes the frames of an echo as long as those of a sale.
const echoSKU = "bench-01234567-sku0"

// echoReadyTimeout is how long the echo server may take to listen.
const echoReadyTimeout = 10 * time.Second

// Echo measures what the machine could do at best: the load of a sale in closed
// loop against a server, in a process of its own, that sends back what it gets.
func Echo(ctx context.Context, cfg EchoConfig) (report *EchoReport, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check echo: %w", err)
	}
	cfg = cfg.withDefaults()
	process, err := launch.Start(cfg.Executable, "bench", echoServerCommand)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, process.Stop()) }()
	url, err := awaitEcho(ctx, process)
	if err != nil {
		return nil, err
	}
	return measureEcho(ctx, cfg, url)
}

// awaitEcho returns the address that the echo server prints.
func awaitEcho(ctx context.Context, p *launch.Process) (url string, err error) {
	ctx, cancel := context.WithTimeout(ctx, echoReadyTimeout)
	defer cancel()
	err = p.Await(ctx, func() (bool, error) {
		line, _, whole := strings.Cut(p.Output(), "\n")
		url = strings.TrimSpace(line)
		return whole, nil
	})
	if err != nil {
		return "", fmt.Errorf("start echo server: %w", err)
	}
	return url, nil
}

func measureEcho(ctx context.Context, cfg EchoConfig, url string) (*EchoReport, error) {
	lanes := make([]*client.Lane, cfg.Connections)
	closeAll := func() {
		for _, l := range lanes {
			if l != nil {
				_ = l.Close()
			}
		}
	}
	defer closeAll()
	phase(cfg.Progress, fmt.Sprintf("Connecting %s clients", figures.Thousands(int64(cfg.Connections))))
	g, dialCtx := errgroup.WithContext(ctx)
	g.SetLimit(dialing)
	for i := range lanes {
		g.Go(func() (err error) {
			lanes[i], err = client.DialLane(dialCtx, url, client.Options{Token: "echo"})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}

	rec := newRecorder()
	begin := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, closeAll)
	defer stop()
	var all sync.WaitGroup
	for i, l := range lanes {
		all.Go(func() { echoLoop(l, rec.stripe(i), begin.Add(cfg.Duration)) })
	}
	if cfg.Progress != nil {
		watching, stopWatching := context.WithCancel(ctx)
		defer stopWatching()
		go func() { all.Wait(); stopWatching() }()
		watch(watching, cfg.Progress, nil, rec, begin, func(*tally) float64 { return time.Since(begin).Seconds() / cfg.Duration.Seconds() })
	}
	all.Wait()
	spent := time.Since(begin)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, t := rec.drain()
	return &EchoReport{
		Requests: t.successes(), RequestsPerSecond: figures.PerSecond(t.successes(), spent), LatencyMs: figures.NewLatency(t.latency),
		Errors: t.errorsByName(), DurationSeconds: figures.Round(spent.Seconds(), 3), Machine: figures.ThisMachine(),
		Parameters: EchoParameters{
			Connections: cfg.Connections, DurationSeconds: cfg.Duration.Seconds(), FrameBytes: lanes[0].LastFrameBytes(),
		},
	}, nil
}

func echoLoop(l *client.Lane, s *stripe, deadline time.Time) {
	begin := time.Now()
	for n := uint64(1); begin.Before(deadline); n++ {
		if _, err := l.Buy(n, echoSKU, 1, 0); err != nil {
			s.disconnected()
			return
		}
		end := time.Now()
		s.success(end.Sub(begin))
		begin = end
	}
}
