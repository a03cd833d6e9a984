package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

const (
	// sealPatience is how long one try to seal, or one read, may take.
	sealPatience = time.Second
	// sealPause is the pause between two tries.
	sealPause = 20 * time.Millisecond
)

// Seal ends a log: it publishes a seal, whatever the log's state, waits until
// that is acknowledged, and returns the sequence of the first seal in the log.
// Entries before it are the log, all behind it is void. Sealing again is
// harmless. It tries until ctx is done. ErrNoLog: there is nothing to seal.
// ErrStoreFull: there is no room for a seal, which is a few dozen bytes.
func Seal(ctx context.Context, js jetstream.JetStream, name cluster.LogName, by cluster.Incarnation) (first cluster.LogSeq, err error) {
	if by == "" || len(by) > maxIncarnation {
		return 0, fmt.Errorf("seal log %s: incarnation of %d bytes, must be 1 to %d", name, len(by), maxIncarnation)
	}
	for {
		first, err = seal(ctx, js, name, by)
		if err == nil || errors.Is(err, ErrNoLog) || errors.Is(err, ErrCorrupt) || StoreFull(err) {
			break
		}
		// Unknown outcomes are tried again: a second seal changes nothing.
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("seal log %s: %w, last: %w", name, context.Cause(ctx), err)
		case <-time.After(sealPause):
		}
	}
	if StoreFull(err) {
		err = fmt.Errorf("%w: %w", ErrStoreFull, err)
	}
	if err != nil {
		return 0, fmt.Errorf("seal log %s: %w", name, err)
	}
	return first, nil
}

func seal(ctx context.Context, js jetstream.JetStream, name cluster.LogName, by cluster.Incarnation) (cluster.LogSeq, error) {
	ctx, cancel := context.WithTimeout(ctx, sealPatience)
	defer cancel()
	stream, info, err := findStream(ctx, js, name)
	if err != nil {
		return 0, err
	}
	subject, err := sealSubject(info)
	if err != nil {
		return 0, err
	}
	ack, err := js.Publish(ctx, subject, encodeSeal(by), jetstream.WithExpectStream(string(name)))
	if err != nil {
		return 0, err
	}
	// A replica that is behind may not have the seal yet, but what it returns is
	// the first of those it has, and so the first of all: entries come in order.
	m, err := stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if err != nil {
		return 0, err
	}
	var e Entry
	if _, _, err := e.head(m.Data); err != nil {
		return 0, err
	}
	if !e.Seal || m.Sequence > ack.Sequence {
		return 0, fmt.Errorf("%w: found no seal up to %d, but %d", ErrCorrupt, ack.Sequence, m.Sequence)
	}
	return cluster.LogSeq(m.Sequence), nil
}
