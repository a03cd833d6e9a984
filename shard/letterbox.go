package shard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoLetter: there is no dead letter of that number. It was dropped, or has
// given way to newer ones, or never was.
var ErrNoLetter = errors.New("no such dead letter")

// LetterID numbers the dead letters of a cluster, from 1, with gaps.
type LetterID uint64

func (id LetterID) String() string { return strconv.FormatUint(uint64(id), 10) }

// KeptLetter is a dead letter as it is kept.
type KeptLetter struct {
	ID LetterID
	DeadLetter
}

// Letterbox is what the shards of a cluster have kept as dead letters: to look
// at, to drop, and to note what is being replayed. It keeps no state of its own
// and may be used from any goroutine. The stream appears with the first node of
// the cluster; before, the box is empty.
type Letterbox struct {
	js        jetstream.JetStream
	clusterID string
}

// NewLetterbox returns the letterbox of a cluster.
func NewLetterbox(js jetstream.JetStream, clusterID string) *Letterbox {
	return &Letterbox{js: js, clusterID: clusterID}
}

// List returns up to limit letters behind one, the oldest first, and how many
// there are in all.
func (b *Letterbox) List(ctx context.Context, after LetterID, limit int) (letters []KeptLetter, kept uint64, err error) {
	stream, err := b.stream(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list dead letters: %w", err)
	}
	subject := deadLetterSubject(b.clusterID)
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return nil, 0, fmt.Errorf("list dead letters: %w", err)
	}
	for next := uint64(after) + 1; len(letters) < limit; next = uint64(letters[len(letters)-1].ID) + 1 {
		m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("list dead letters: %w", err)
		}
		l, err := decodeLetter(m)
		if err != nil {
			return nil, 0, err
		}
		letters = append(letters, l)
	}
	return letters, info.State.Subjects[subject], nil
}

// Get returns one letter. ErrNoLetter.
func (b *Letterbox) Get(ctx context.Context, id LetterID) (KeptLetter, error) {
	_, m, err := b.find(ctx, id)
	if err != nil {
		return KeptLetter{}, fmt.Errorf("read dead letter %s: %w", id, err)
	}
	return decodeLetter(m)
}

// Drop forgets a letter, and its claim. ErrNoLetter.
func (b *Letterbox) Drop(ctx context.Context, id LetterID) error {
	stream, _, err := b.find(ctx, id)
	if err != nil {
		return fmt.Errorf("drop dead letter %s: %w", id, err)
	}
	if err := b.Unclaim(ctx, id); err != nil {
		return err
	}
	if _, err := remove(ctx, stream, uint64(id)); err != nil {
		return fmt.Errorf("drop dead letter %s: %w", id, err)
	}
	return nil
}

// DropThrough forgets all letters up to one, which need not exist itself, and
// returns how many there were. Letters that come meanwhile are kept.
func (b *Letterbox) DropThrough(ctx context.Context, last LetterID) (dropped uint64, err error) {
	stream, err := b.stream(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, nil
	}
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(claimSubject(b.clusterID, "*")), jetstream.WithPurgeSequence(uint64(last)+1))
	}
	for err == nil {
		var m *jetstream.RawStreamMsg
		if m, err = stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(deadLetterSubject(b.clusterID))); err != nil || m.Sequence > uint64(last) {
			break
		}
		var mine bool
		if mine, err = remove(ctx, stream, m.Sequence); mine {
			dropped++
		}
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return dropped, fmt.Errorf("drop dead letters: %w", err)
	}
	return dropped, nil
}

// claim is the number under which a letter is replayed.
type claim struct {
	Request uint64 `json:"request"`
}

// claimSubject is where it is noted that a letter is being replayed.
func claimSubject(clusterID, id string) string { return deadLetterSubject(clusterID) + ".claim." + id }

// Claim notes the request number under which a letter is about to be replayed,
// and returns the one that counts: that of an earlier Claim if there was one.
// Whoever replays the letter again, after an unknown outcome, so asks for the
// same request. It must be called before the command is sent.
func (b *Letterbox) Claim(ctx context.Context, id LetterID, request uint64) (uint64, error) {
	text, err := json.Marshal(claim{Request: request})
	if err != nil {
		return 0, fmt.Errorf("claim dead letter %s: %w", id, err)
	}
	_, err = b.js.PublishMsg(ctx, &nats.Msg{Subject: claimSubject(b.clusterID, id.String()), Data: text}, jetstream.WithExpectLastSequencePerSubject(0))
	if err == nil {
		return request, nil
	}
	// Refused, or of unknown outcome: what is noted there counts.
	earlier, ok, readErr := b.Claimed(ctx, id)
	if readErr != nil || !ok {
		return 0, fmt.Errorf("claim dead letter %s: %w", id, errors.Join(err, readErr))
	}
	return earlier, nil
}

// Claimed returns the number under which a letter is being replayed, if it is.
func (b *Letterbox) Claimed(ctx context.Context, id LetterID) (request uint64, ok bool, err error) {
	_, c, err := b.claim(ctx, id)
	if errors.Is(err, ErrNoLetter) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read the claim of dead letter %s: %w", id, err)
	}
	return c.Request, true, nil
}

// Unclaim takes a claim back: nothing came of it, and the next replay is free to
// ask under another number.
func (b *Letterbox) Unclaim(ctx context.Context, id LetterID) error {
	at, _, err := b.claim(ctx, id)
	if errors.Is(err, ErrNoLetter) {
		return nil
	}
	if err == nil {
		var stream jetstream.Stream
		if stream, err = b.stream(ctx); err == nil {
			_, err = remove(ctx, stream, at)
		}
	}
	if err != nil {
		return fmt.Errorf("take back the claim of dead letter %s: %w", id, err)
	}
	return nil
}

// claim reads a letter's claim and where it stands. ErrNoLetter if there is none.
func (b *Letterbox) claim(ctx context.Context, id LetterID) (at uint64, c claim, err error) {
	stream, err := b.stream(ctx)
	if err != nil {
		return 0, c, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, claimSubject(b.clusterID, id.String()))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, c, ErrNoLetter
	}
	if err != nil {
		return 0, c, err
	}
	return m.Sequence, c, json.Unmarshal(m.Data, &c)
}

// find returns the message that holds a letter.
func (b *Letterbox) find(ctx context.Context, id LetterID) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
	stream, err := b.stream(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, ErrNoLetter
	}
	if err != nil {
		return nil, nil, err
	}
	if id == 0 {
		return nil, nil, ErrNoLetter
	}
	m, err := stream.GetMsg(ctx, uint64(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Subject != deadLetterSubject(b.clusterID) {
		return nil, nil, ErrNoLetter
	}
	return stream, m, err
}

func (b *Letterbox) stream(ctx context.Context) (jetstream.Stream, error) {
	return b.js.Stream(ctx, deadLetterStream(b.clusterID))
}

// remove deletes a message. It is false, without an error, when somebody else has
// been faster.
func remove(ctx context.Context, stream jetstream.Stream, seq uint64) (bool, error) {
	err := stream.DeleteMsg(ctx, seq)
	if err == nil {
		return true, nil
	}
	if _, getErr := stream.GetMsg(ctx, seq); errors.Is(getErr, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return false, err
}

func decodeLetter(m *jetstream.RawStreamMsg) (KeptLetter, error) {
	l := KeptLetter{ID: LetterID(m.Sequence)}
	if err := json.Unmarshal(m.Data, &l.DeadLetter); err != nil {
		return l, fmt.Errorf("decode dead letter %s: %w", l.ID, err)
	}
	return l, nil
}
