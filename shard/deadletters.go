package shard

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/streams"
)

const (
	// keptLetters bounds the stream; the oldest give way.
	keptLetters = 10_000
	// waitingLetters bounds what waits to be written. Beyond it letters are only
	// logged: a message that makes its actor fail is not worth a stop.
	waitingLetters = 256
)

// DeadLetter is a message that made its actor fail, kept for inspection, and for
// submitting it again (see Letterbox).
type DeadLetter struct {
	At    time.Time       `json:"at"`
	Shard cluster.ShardID `json:"shard"`
	Actor string          `json:"actor"`
	// From is the actor that said it; "" for a command and for a timer.
	From string `json:"from,omitempty"`
	// Player and Operator are the caller of a command.
	Player   string `json:"player,omitempty"`
	Operator bool   `json:"operator,omitempty"`
	// Method is "" unless it is a command.
	Method  string `json:"method,omitempty"`
	Request uint64 `json:"request,omitempty"`
	// Type is the full name of the message. Body is for people, and Payload what
	// the actor was given, to the byte.
	Type    string          `json:"type,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Payload []byte          `json:"payload,omitempty"`
	Error   string          `json:"error"`
}

// deadLetters writes dead letters to a JetStream stream of the cluster.
type deadLetters struct {
	js      jetstream.JetStream
	subject string
	log     *slog.Logger

	queue chan []byte
	stop  chan struct{}
	done  sync.WaitGroup
}

// deadLetterStream is the stream of a cluster's dead letters.
func deadLetterStream(clusterID string) string { return "hf_" + clusterID + "_deadletters" }

// deadLetterSubject is what letters are published to. Below it is noted which of
// them are being replayed (see Letterbox.Claim).
func deadLetterSubject(clusterID string) string { return "hf." + clusterID + ".deadletters" }

func openDeadLetters(ctx context.Context, js jetstream.JetStream, clusterID string, replicas int, log *slog.Logger) (*deadLetters, error) {
	name, subject := deadLetterStream(clusterID), deadLetterSubject(clusterID)
	_, err := streams.Insist(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		return js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{subject, claimSubject(clusterID, "*")}, Storage: jetstream.FileStorage, Replicas: replicas,
			MaxMsgs: keptLetters, Discard: jetstream.DiscardOld,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("create stream %s: %w", name, err)
	}
	d := &deadLetters{js: js, subject: subject, log: log, queue: make(chan []byte, waitingLetters), stop: make(chan struct{})}
	d.done.Go(d.write)
	return d, nil
}

// keep queues a letter. It never blocks.
func (d *deadLetters) keep(s cluster.ShardID, m *actors.Message, cause error) {
	letter := DeadLetter{
		At: time.Now(), Shard: s, Actor: m.Self.String(), Player: string(m.Caller.Player), Operator: m.Caller.Admin,
		Method: m.Method, Request: m.Request, Error: cause.Error(),
	}
	if m.From != (actors.Ref{}) {
		letter.From = m.From.String()
	}
	if m.Body != nil {
		letter.Type = string(m.Body.ProtoReflect().Descriptor().FullName())
		letter.Body, _ = protojson.Marshal(m.Body) // of a message that was decoded
		letter.Payload, _ = proto.Marshal(m.Body)  // likewise
	}
	text, err := json.Marshal(letter)
	if err != nil {
		d.log.Error("encode a dead letter", "actor", letter.Actor, "err", err)
		return
	}
	select {
	case d.queue <- text:
	default:
		d.log.Error("too many dead letters; one is only here", "letter", string(text))
	}
}

// write writes what is queued until it is told to stop, and then what is left.
func (d *deadLetters) write() {
	for {
		select {
		case text := <-d.queue:
			d.publish(text)
		case <-d.stop:
			for {
				select {
				case text := <-d.queue:
					d.publish(text)
				default:
					return
				}
			}
		}
	}
}

func (d *deadLetters) publish(text []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := d.js.Publish(ctx, d.subject, text); err != nil {
		d.log.Error("a dead letter could not be kept; it is only here", "letter", string(text), "err", err)
	}
}

// close writes what is queued and waits.
func (d *deadLetters) close() {
	close(d.stop)
	d.done.Wait()
}
