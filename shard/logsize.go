package shard

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

// LogSize is what the log of an incarnation holds.
type LogSize struct {
	Name cluster.LogName
	// First and Last entry. Last is First-1 when there is none.
	First, Last cluster.LogSeq
	Bytes       uint64
}

// MeasureLog asks NATS how large the log of an incarnation is.
func MeasureLog(ctx context.Context, js jetstream.JetStream, clusterID string, inc cluster.Incarnation) (LogSize, error) {
	name := logName(clusterID, inc)
	stream, err := js.Stream(ctx, string(name))
	if err != nil {
		return LogSize{}, fmt.Errorf("measure log %s: %w", name, err)
	}
	s := stream.CachedInfo().State
	return LogSize{Name: name, First: cluster.LogSeq(max(s.FirstSeq, 1)), Last: cluster.LogSeq(s.LastSeq), Bytes: s.Bytes}, nil
}
