package bisect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/journal/refold"
)

// Serve is the child: it folds what comes in until that ends.
func Serve(in io.Reader, out io.Writer, build string, kinds *actors.Registry) error {
	c := &child{pipe: newPipe(in, out), folder: refold.New(kinds), actors: make(map[actors.Ref]*subject)}
	hello := appendString(nil, greeting)
	hello = binary.AppendUvarint(hello, version)
	if err := c.pipe.write(typeHello, appendString(hello, build)); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	for {
		typ, body, err := c.pipe.read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case typ == typeFold:
			err = c.fold(&fields{data: body})
		case typ == typeShow:
			err = c.show(&fields{data: body})
		default:
			err = fmt.Errorf("%w: of type %q", errBroken, typ)
		}
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

// child is what one build knows.
type child struct {
	pipe   *pipe
	folder *refold.Folder
	actors map[actors.Ref]*subject
	// touched are the actors of the fold under way.
	touched []actors.Ref
	answer  []byte
}

// subject is one actor.
type subject struct {
	seq     uint64
	state   actors.Behaviour
	refused string
	touched bool
}

// fold answers one fold.
func (c *child) fold(f *fields) error {
	c.touched = c.touched[:0]
	for len(f.data) > 0 {
		it, err := f.item()
		if err != nil {
			return err
		}
		s := c.actors[it.Actor]
		if s == nil {
			s = new(subject)
			c.actors[it.Actor] = s
		}
		if !s.touched {
			s.touched = true
			c.touched = append(c.touched, it.Actor)
		}
		if s.refused == "" {
			if err := c.take(s, &it); err != nil {
				s.refused = err.Error()
			}
		}
	}
	c.answer = c.answer[:0]
	for _, ref := range c.touched {
		s := c.actors[ref]
		s.touched = false
		c.answer = appendOutcome(c.answer, s.outcome(ref))
	}
	return c.pipe.write(typeAnswer, c.answer)
}

// take gives an actor one item.
func (c *child) take(s *subject, it *Item) (err error) {
	if it.State {
		s.seq = it.Seq
		s.state, err = c.folder.Restore(it.Actor, it.Data)
		return err
	}
	if s.state == nil {
		if s.state, err = c.folder.Begin(it.Actor); err != nil {
			return err
		}
	}
	if it.Seq != s.seq+1 {
		return fmt.Errorf("event %d follows upon event %d", it.Seq, s.seq)
	}
	s.seq = it.Seq
	return c.folder.Apply(s.state, it.Actor.Kind, it.Data)
}

func (s *subject) outcome(ref actors.Ref) Outcome {
	if s.refused == "" {
		a, err := refold.Capture(ref, s.seq, s.state)
		if err == nil {
			return Outcome{Hash: a.Hash()}
		}
		s.refused = err.Error()
	}
	if s.refused == "" {
		s.refused = "refused without a reason"
	}
	return Outcome{Refused: s.refused}
}

// show answers what somebody looks like.
func (c *child) show(f *fields) error {
	ref := actors.Ref{Kind: string(f.bytes()), ID: string(f.bytes())}
	event := f.bytes()
	if f.bad {
		return errBroken
	}
	var state, text []byte
	if s := c.actors[ref]; s != nil && s.state != nil {
		state = shown(func() (proto.Message, error) { return s.state.Snapshot(), nil })
	}
	if len(event) > 0 {
		text = shown(func() (proto.Message, error) { return c.folder.Decode(ref.Kind, event) })
	}
	return c.pipe.write(typeShown, appendString(appendString(nil, state), text))
}

// shown is a message as JSON, without the spaces that differ from program to
// program; nothing when there is none to be had.
func shown(get func() (proto.Message, error)) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil // the same panic has been told as an outcome
		}
	}()
	m, err := get()
	if err != nil {
		return nil
	}
	long, err := protojson.Marshal(m)
	var out bytes.Buffer
	if err != nil || json.Compact(&out, long) != nil {
		return nil
	}
	return out.Bytes()
}
