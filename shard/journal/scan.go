package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
)

const (
	// scanBatch and scanBytes bound what is asked for at once, and so what is in
	// memory and not yet passed on. Between two batches is a round trip, which
	// takes long where the takeover of a busy node's shards takes place: a log
	// written at leisure has thousands of small entries.
	scanBatch = 2048
	scanBytes = 2 << 20

	// scanPatience is how long an answer may take before the question is asked
	// again.
	scanPatience = time.Second
	// scanBehind is how long a replica may be behind what the log is known to
	// hold, before that counts as missing.
	scanBehind = 2 * time.Second
	// scanPause is the pause before a replica that is behind is asked again.
	scanPause = 10 * time.Millisecond
	// scanStuck is how long a scan goes on without any answer.
	scanStuck = 10 * time.Second
)

// Scan reads the entries from..to of a log, both included, in order. With to 0
// it reads up to the first seal or, if there is none, to the end that the log
// had when Scan began. The first seal ends the log; it is not passed to fn, and
// may itself be the entry asked for with to.
//
// It returns the last entry that was read (from-1 if there was none), and
// whether it came upon a seal. It returns ErrNoLog; ErrMissing when the log
// begins after from or, by its end or a seal, ends before to; ErrGap when
// entries are missing inside; ErrCorrupt; ErrDiverged; or the error of fn.
//
// The entry and its slice of records are used again after fn has returned.
// Records may be copied: their events stay valid, and keep the memory of their
// whole entry.
func Scan(ctx context.Context, js jetstream.JetStream, name cluster.LogName, from, to cluster.LogSeq, fn func(*Entry) error) (last cluster.LogSeq, sealed bool, err error) {
	s := scan{js: js, name: name, next: max(from, 1), to: to, fn: fn, patience: scanBehind}
	return s.result(s.run(ctx))
}

// Follow is Scan for a log whose writer has said itself, and just now, that the
// entries from..to are durable. So the log need not be asked what it holds, or
// whether it was sealed before: that costs two questions to the server, which a
// player waits for in a move.
func Follow(ctx context.Context, js jetstream.JetStream, name cluster.LogName, from, to cluster.LogSeq, fn func(*Entry) error) error {
	s := scan{js: js, name: name, next: max(from, 1), to: to, fn: fn, patience: scanBehind, known: true}
	_, _, err := s.result(s.run(ctx))
	return err
}

// scan is one reading of a log.
type scan struct {
	js   jetstream.JetStream
	name cluster.LogName
	fn   func(*Entry) error
	// patience is how long a replica may be behind.
	patience time.Duration

	next   cluster.LogSeq // the next entry to pass on
	to     cluster.LogSeq
	open   bool // to was not asked for, it is what the log holds
	known  bool // that the log holds all of it
	sealed bool // a seal stands at next, or before

	decoder decoder
	entry   Entry

	inbox    string
	question uint64 // numbers the requests, so that late answers are told apart
	answers  chan *nats.Msg
	timer    *time.Timer
}

func (s *scan) result(err error) (last cluster.LogSeq, sealed bool, _ error) {
	if err != nil {
		err = fmt.Errorf("scan log %s: %w", s.name, err)
	}
	return s.next - 1, s.sealed, err
}

func (s *scan) run(ctx context.Context) error {
	if !s.known {
		if err := s.bounds(ctx); err != nil {
			return err
		}
	}
	if s.next > s.to {
		return nil
	}
	// One batch, its end, and what may still come of a batch given up before.
	s.answers = make(chan *nats.Msg, 2*scanBatch+2)
	s.inbox = s.js.Conn().NewInbox()
	sub, err := s.js.Conn().ChanSubscribe(s.inbox+".*", s.answers)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only with the connection
	s.timer = time.NewTimer(scanPatience)
	defer s.timer.Stop()

	alive, advanced := time.Now(), time.Now()
	for s.next <= s.to && !s.sealed {
		before := s.next
		answered, err := s.batch(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		if answered {
			alive = now
		}
		if s.next > before {
			advanced = now
			continue
		}
		switch {
		case now.Sub(alive) > scanStuck:
			return fmt.Errorf("read entry %d: %w", s.next, nats.ErrTimeout)
		case answered && now.Sub(advanced) > s.patience:
			return fmt.Errorf("%w: entry %d of %d is not there", ErrMissing, s.next, s.to)
		}
		if err := sleep(ctx, scanPause); err != nil {
			return err
		}
	}
	return nil
}

// bounds finds out what the log holds, sets to if that was left open, and
// checks that all that was asked for can be there.
func (s *scan) bounds(ctx context.Context) error {
	for begun := time.Now(); ; {
		stream, info, err := findStream(ctx, s.js, s.name)
		if err != nil {
			return err
		}
		first, end := cluster.LogSeq(info.State.FirstSeq), cluster.LogSeq(info.State.LastSeq)
		if end+1 < s.next || end < s.to {
			// A leader that has just been elected may be behind.
			if time.Since(begun) < s.patience {
				if err := sleep(ctx, scanPause); err != nil {
					return err
				}
				continue
			}
			return fmt.Errorf("%w: it ends with entry %d, asked for %d to %d", ErrMissing, end, s.next, s.to)
		}
		if first > s.next && end >= s.next {
			return fmt.Errorf("%w: it begins with entry %d, asked for %d", ErrMissing, first, s.next)
		}
		if s.to == 0 {
			s.to, s.open = end, true
		}
		return s.behindSeal(ctx, stream, info)
	}
}

// behindSeal refuses to read what stands behind the first seal, which is void
// however well it looks. A seal in the range is met on the way.
func (s *scan) behindSeal(ctx context.Context, stream jetstream.Stream, info *jetstream.StreamInfo) error {
	subject, err := sealSubject(info)
	if err != nil {
		return err
	}
	m, err := stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if cluster.LogSeq(m.Sequence) < s.next {
		s.sealed = true
		return fmt.Errorf("%w: it was sealed at %d, asked for %d", ErrMissing, m.Sequence, s.next)
	}
	return nil
}

// ask asks for the next entries, as many as the bounds allow. It returns where
// the answers will come; false while the connection is down.
func (s *scan) ask() (inbox string, ok bool) {
	s.question++
	inbox = s.inbox + "." + strconv.FormatUint(s.question, 10)
	request := fmt.Appendf(nil, `{"seq":%d,"batch":%d,"max_bytes":%d}`, s.next, min(s.to-s.next+1, scanBatch), scanBytes)
	return inbox, s.js.Conn().PublishRequest(directGet(s.js, s.name), inbox, request) == nil
}

// batch asks once and passes on what comes. answered: somebody did.
func (s *scan) batch(ctx context.Context) (answered bool, err error) {
	inbox, ok := s.ask()
	if !ok {
		return false, nil
	}
	for {
		s.timer.Reset(scanPatience)
		select {
		case <-ctx.Done():
			return answered, context.Cause(ctx)
		case <-s.timer.C:
			return answered, nil
		case m := <-s.answers:
			if m.Subject != inbox {
				continue
			}
			switch status(m) {
			case "":
				answered = true
				if err := s.take(m); err != nil {
					return true, err
				}
				if s.sealed || s.next > s.to {
					return true, nil
				}
			case statusEndOfBatch, statusNothing:
				return true, nil
			case statusNoResponders:
				return answered, nil
			default:
				return true, fmt.Errorf("read entry %d: %s", s.next, m.Header.Get("Description"))
			}
		}
	}
}

// take checks one entry and passes it on.
func (s *scan) take(m *nats.Msg) error {
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: entry without a sequence", ErrCorrupt)
	}
	if cluster.LogSeq(seq) != s.next {
		return fmt.Errorf("%w: entry %d is followed by %d", ErrGap, s.next-1, seq)
	}
	e, writer := &s.entry, s.entry.Incarnation
	if err := s.decoder.decode(m.Data, e); err != nil {
		return fmt.Errorf("entry %d: %w", seq, err)
	}
	if e.Seal {
		s.sealed = true
		if !s.open && s.next != s.to {
			return fmt.Errorf("%w: it was sealed at %d, asked for up to %d", ErrMissing, seq, s.to)
		}
		return nil
	}
	if e.Number != seq {
		return fmt.Errorf("%w: entry %d has number %d", ErrGap, seq, e.Number)
	}
	if writer != "" && e.Incarnation != writer {
		return fmt.Errorf("%w: entry %d is of %s, those before of %s", ErrDiverged, seq, e.Incarnation, writer)
	}
	e.Seq = s.next
	if err := s.fn(e); err != nil {
		return err
	}
	s.next++
	return nil
}

// sleep waits, but not longer than ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
