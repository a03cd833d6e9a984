package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// Extent is what a log holds at one moment.
type Extent struct {
	// First and Last are the first entry that was not purged, and the last that
	// counts: the one before the seal if there is one. A log without entries has
	// Last = First-1.
	First, Last cluster.LogSeq
	// Seal is where the first seal stands, 0 while there is none, and SealedBy
	// whose it is.
	Seal     cluster.LogSeq
	SealedBy cluster.Incarnation
	// Void is the last entry that stands farther behind the seal than its writer
	// can have put it, 0 when there is none. Of the entries that were in flight
	// when the seal came the first is refused, and the next finds the seal where it
	// expects the first: it is written, counts for nothing, and is no fault.
	Void cluster.LogSeq
	// Created is when its writer opened it.
	Created time.Time
}

// Measure returns what a log holds. ErrNoLog.
func Measure(ctx context.Context, js jetstream.JetStream, name cluster.LogName) (Extent, error) {
	x, err := measure(ctx, js, name)
	if err != nil {
		return Extent{}, fmt.Errorf("measure log %s: %w", name, err)
	}
	return x, nil
}

func measure(ctx context.Context, js jetstream.JetStream, name cluster.LogName) (Extent, error) {
	stream, info, err := findStream(ctx, js, name)
	if err != nil {
		return Extent{}, err
	}
	subject, err := sealSubject(info)
	if err != nil {
		return Extent{}, err
	}
	x := Extent{
		First: max(cluster.LogSeq(info.State.FirstSeq), 1), Last: cluster.LogSeq(info.State.LastSeq), Created: info.Created,
	}
	m, err := stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return x, nil
	}
	if err != nil {
		return Extent{}, err
	}
	var e Entry
	if _, _, err := e.head(m.Data); err != nil {
		return Extent{}, fmt.Errorf("entry %d: %w", m.Sequence, err)
	}
	x.Seal, x.SealedBy = cluster.LogSeq(m.Sequence), e.Incarnation
	x.Last = x.Seal - 1
	m, err = stream.GetLastMsgForSubject(ctx, info.Config.Subjects[0])
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return Extent{}, err
	case cluster.LogSeq(m.Sequence) >= x.Seal+defaultInFlight:
		x.Void = cluster.LogSeq(m.Sequence)
	}
	return x, nil
}
