package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoTrail: the cluster has no audit trail yet.
var ErrNoTrail = errors.New("no audit trail")

// Find returns the trail of a cluster if it has one. Errors: ErrNoTrail.
func Find(ctx context.Context, js jetstream.JetStream, clusterID string) (*Trail, error) {
	name := streamName(clusterID)
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = ErrNoTrail
	}
	if err != nil {
		return nil, fmt.Errorf("find audit trail %s: %w", name, err)
	}
	return &Trail{js: js, stream: stream, subject: subjectOf(name), now: time.Now}, nil
}

func streamName(clusterID string) string { return "hf_" + clusterID + "_audit" }

// subjectOf is what the subjects of a trail begin with.
func subjectOf(stream string) string { return strings.ReplaceAll(stream, "_", ".") }
