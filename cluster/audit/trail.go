package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/streams"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// The bounds of the stream. A record has a few hundred bytes.
const (
	keptRecords = 1_000_000
	// keptOfOne keeps one restless shard from driving the others out.
	keptOfOne = 10_000
	keptFor   = 90 * 24 * time.Hour
)

// Trail is the audit stream of one cluster. Its methods can be called from any
// goroutine.
type Trail struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string // of everything, without the part behind the last dot
	now     func() time.Time
}

// Open returns the trail of a cluster, made if need be with so many replicas (1,
// 3 or 5).
func Open(ctx context.Context, js jetstream.JetStream, clusterID string, replicas int) (*Trail, error) {
	name := streamName(clusterID)
	t := &Trail{js: js, subject: subjectOf(name), now: time.Now}
	var err error
	t.stream, err = streams.Insist(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		return js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name:              name,
			Description:       "Holdfast: changes of ownership, moves, plans",
			Subjects:          []string{t.subject + ".>"},
			Storage:           jetstream.FileStorage,
			Replicas:          replicas,
			MaxMsgs:           keptRecords,
			MaxMsgsPerSubject: keptOfOne,
			MaxAge:            keptFor,
			Discard:           jetstream.DiscardOld,
			DenyDelete:        true,
			DenyPurge:         true,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("open audit trail %s: %w", name, err)
	}
	return t, nil
}

// PutMove records what became of a move. Called by its source. Calling it again
// within two minutes with the same receipt records nothing more.
func (t *Trail) PutMove(ctx context.Context, r *clusterv1.MoveReceipt) error {
	id := fmt.Sprintf("move %s %d", r.GetFromIncarnation(), r.GetMove())
	_, err := t.publish(ctx, t.moves(fmt.Sprint(r.GetShard())), r, jetstream.WithMsgID(id))
	if err != nil {
		return fmt.Errorf("record move of shard %d: %w", r.GetShard(), err)
	}
	return nil
}

func (t *Trail) owner(s cluster.ShardID) string { return t.subject + ".owner." + s.String() }
func (t *Trail) owners() string                 { return t.subject + ".owner.*" }
func (t *Trail) moves(shard string) string      { return t.subject + ".move." + shard }
func (t *Trail) plan() string                   { return t.subject + ".plan" }

func (t *Trail) publish(ctx context.Context, subject string, m proto.Message, opts ...jetstream.PublishOpt) (uint64, error) {
	body, err := protojson.Marshal(m)
	if err != nil {
		return 0, err
	}
	ack, err := t.js.Publish(ctx, subject, body, opts...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// refused says whether a publish failed because the stream, or the subject, did
// not end where it should: somebody else has written.
func refused(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// last reads the last message of a subject from the stream's leader; sequence 0
// when there is none.
func (t *Trail) last(ctx context.Context, subject string, m proto.Message) (uint64, error) {
	raw, err := t.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return raw.Sequence, unmarshal(raw.Data, m)
}

// unmarshal reads a record. Fields of a later version are skipped.
func unmarshal(b []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}
