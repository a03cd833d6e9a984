package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster/streams"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// The ballast is a stream of a few MiB that nobody reads. When the store is full
// it is given up: then there is room for seals, without which no node could take
// over a shard, for work that is under way, and for checkpoints, which make old
// log superfluous. So that new work does not take that room, all nodes turn it
// away until the ballast lies in the store again.
//
// That it was given up is seen in the stream, so that every node of the cluster
// knows: it has had messages and does not have ballastPieces of them now.
const (
	// ballastPiece times ballastPieces is the ballast: 16 MiB. That is a few
	// seconds of log at full speed, or the checkpoints of some ten thousand actors.
	ballastPiece  = 512 << 10
	ballastPieces = 32
	// sparePieces must fit on top when the ballast is restored, so that the store
	// is not full again at once.
	sparePieces = 32

	// ballastPace is how often the ballast is looked at.
	ballastPace = time.Second
	// Its restoration is tried after restoreFirst, and then after twice as long
	// each time, up to restoreLast, although nothing says that there is room. Each
	// try may write all of it.
	restoreFirst = 2 * time.Second
	restoreLast  = 30 * time.Second
)

// errNoRoom answers commands while the ballast is given up.
var errNoRoom = &actors.Refusal{
	Code: clientv1.Code_CODE_OVERLOADED, Text: "the store is full; nothing was changed", RetryAfter: time.Second,
}

// ballast keeps the cluster's ballast, on each node the same.
type ballast struct {
	js       jetstream.JetStream
	name     string
	subject  string
	replicas int
	log      *slog.Logger
	metrics  *Metrics
	piece    int // bytes: ballastPiece, unless a test wants less

	// spent: new work is turned away.
	spent atomic.Bool
	// alarm tells that the store is full.
	alarm chan struct{}

	// Of keep's goroutine. full is what the account had stored when the store was
	// full, 0 when this node has not seen it; tried is when it was last tried to
	// restore the ballast, and pause how long after that it is tried again, 0
	// while the ballast is there.
	full  uint64
	tried time.Time
	pause time.Duration
}

func newBallast(js jetstream.JetStream, clusterID string, replicas, piece int, log *slog.Logger, m *Metrics) *ballast {
	name := "hf_" + clusterID + "_ballast"
	return &ballast{
		js: js, name: name, subject: strings.ReplaceAll(name, "_", "."), replicas: replicas, piece: piece, log: log, metrics: m,
		alarm: make(chan struct{}, 1),
	}
}

// storeFull tells that something could not be stored for want of room. It never
// blocks.
func (b *ballast) storeFull() {
	b.turnAway(true)
	select {
	case b.alarm <- struct{}{}:
	default: // it rings already
	}
}

// note is storeFull if that is what err says.
func (b *ballast) note(err error) {
	if err != nil && journal.StoreFull(err) {
		b.storeFull()
	}
}

// turnAway begins or ends to turn new work away.
func (b *ballast) turnAway(spent bool) {
	if b.spent.Swap(spent) == spent {
		return
	}
	if spent {
		b.metrics.storeFull.Set(1)
		b.log.Error("the store is full: new commands are turned away, and the ballast is given up")
	} else {
		b.metrics.storeFull.Set(0)
		b.log.Info("there is room in the store again: new commands are taken")
	}
}

// keep looks after the ballast until ctx is done.
func (b *ballast) keep(ctx context.Context) {
	tick := time.NewTicker(ballastPace)
	defer tick.Stop()
	told := ""
	for err := b.look(ctx); ctx.Err() == nil; {
		switch text := fmt.Sprint(err); {
		case err == nil:
			told = ""
		case text != told: // once, and not each second
			told = text
			b.log.Warn("look after the ballast", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-b.alarm:
			err = b.giveUp(ctx)
		case <-tick.C:
			err = b.look(ctx)
		}
	}
}

// ballastPatience bounds one piece of work on the ballast: the server may be gone.
const ballastPatience = 10 * time.Second

// giveUp makes room.
func (b *ballast) giveUp(ctx context.Context) error {
	b.turnAway(true)
	ctx, cancel := context.WithTimeout(ctx, ballastPatience)
	defer cancel()
	stream, err := b.open(ctx)
	if err != nil {
		return err
	}
	if stream.CachedInfo().State.Msgs == 0 {
		return nil // there is no more to give
	}
	if usage, err := b.js.AccountInfo(ctx); err == nil {
		b.full = usage.Store
	}
	if err := stream.Purge(ctx); err != nil {
		return fmt.Errorf("give up the ballast: %w", err)
	}
	return nil
}

// look finds out whether the ballast is there, and restores it when there is
// room for it.
func (b *ballast) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ballastPatience)
	defer cancel()
	stream, err := b.open(ctx)
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	switch {
	case state.Msgs == ballastPieces:
		b.pause = 0
		b.turnAway(false)
		return nil
	case state.FirstSeq <= 1 && !b.spent.Load(): // it has never been whole
		return b.fill(ctx, stream, state, ballastPieces)
	}
	b.turnAway(true)
	if b.pause == 0 {
		b.tried, b.pause = time.Now(), restoreFirst
	}
	if !b.due(ctx) {
		return nil
	}
	b.tried, b.pause = time.Now(), min(2*b.pause, restoreLast)
	return b.fill(ctx, stream, state, ballastPieces+sparePieces)
}

// due says whether there may be room for the ballast: so much less is stored than
// when the store was full, or it was not tried for long.
func (b *ballast) due(ctx context.Context) bool {
	if time.Since(b.tried) >= b.pause {
		return true
	}
	usage, err := b.js.AccountInfo(ctx)
	return err == nil && usage.Store+uint64((ballastPieces+sparePieces)*b.piece*max(b.replicas, 1)) <= b.full
}

// fill writes pieces until there are so many, and keeps ballastPieces of them. If
// there is no room, none stays.
func (b *ballast) fill(ctx context.Context, stream jetstream.Stream, state jetstream.StreamState, pieces int) error {
	piece := make([]byte, b.piece)
	last := state.LastSeq
	for n := int(state.Msgs); n < pieces; n++ {
		// Two nodes that do this at once must not do it twice.
		ack, err := b.js.Publish(ctx, b.subject, piece, jetstream.WithExpectLastSequence(last), jetstream.WithRetryAttempts(0))
		var api *jetstream.APIError
		switch {
		case journal.StoreFull(err):
			return b.giveUp(ctx)
		case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
			return nil // another node is at it
		case err != nil:
			return fmt.Errorf("restore the ballast: %w", err)
		}
		last = ack.Sequence
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeKeep(ballastPieces)); err != nil {
		return fmt.Errorf("restore the ballast: %w", err)
	}
	b.turnAway(false)
	return nil
}

// open finds the stream as it is now, and creates it the first time.
func (b *ballast) open(ctx context.Context) (jetstream.Stream, error) {
	stream, err := b.js.Stream(ctx, b.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = streams.Insist(ctx, func(ctx context.Context) (jetstream.Stream, error) {
			return b.js.CreateStream(ctx, jetstream.StreamConfig{
				Name: b.name, Subjects: []string{b.subject}, Storage: jetstream.FileStorage, Replicas: b.replicas,
				Description: "Holdfast ballast: room for seals when the store is full",
			})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the ballast: %w", err)
	}
	return stream, nil
}
