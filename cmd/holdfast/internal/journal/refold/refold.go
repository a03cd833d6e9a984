package refold

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/shard/checkpoint"
)

// Folder folds events of the kinds that it knows. It belongs to one goroutine.
type Folder struct {
	kinds *actors.Registry
	// events are decoded into, one of each kind.
	events map[string]proto.Message
}

// New returns a Folder.
func New(kinds *actors.Registry) *Folder {
	return &Folder{kinds: kinds, events: make(map[string]proto.Message)}
}

func (f *Folder) kind(name string) (actors.Kind, error) {
	kind, ok := f.kinds.Kind(name)
	if !ok {
		return actors.Kind{}, fmt.Errorf("this program knows no kind %q", name)
	}
	return kind, nil
}

// Begin returns an actor that has had no event.
func (f *Folder) Begin(ref actors.Ref) (b actors.Behaviour, err error) {
	kind, err := f.kind(ref.Kind)
	if err != nil {
		return nil, err
	}
	err = guarded(func() error {
		b = kind.New(ref.ID)
		return nil
	})
	return b, err
}

// Restore returns an actor as a checkpoint has it.
func (f *Folder) Restore(ref actors.Ref, state []byte) (b actors.Behaviour, err error) {
	kind, err := f.kind(ref.Kind)
	if err != nil {
		return nil, err
	}
	err = guarded(func() error {
		m := kind.State()
		if err := proto.Unmarshal(state, m); err != nil {
			return fmt.Errorf("decode the state: %w", err)
		}
		b = kind.New(ref.ID)
		if err := b.Restore(m); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		return nil
	})
	return b, err
}

// Decode decodes an event. The message is used again for the next of its kind.
func (f *Folder) Decode(kind string, event []byte) (proto.Message, error) {
	m, ok := f.events[kind]
	if !ok {
		k, err := f.kind(kind)
		if err != nil {
			return nil, err
		}
		m = k.Event()
		f.events[kind] = m
	}
	if err := proto.Unmarshal(event, m); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return m, nil
}

// Apply adds one event of its kind to an actor's state.
func (f *Folder) Apply(b actors.Behaviour, kind string, event []byte) error {
	m, err := f.Decode(kind, event)
	if err != nil {
		return err
	}
	return guarded(func() error { return b.Apply(m) })
}

// Capture returns an actor as a checkpoint would hold it after seq events.
func Capture(ref actors.Ref, seq uint64, b actors.Behaviour) (a checkpoint.Actor, err error) {
	err = guarded(func() error {
		state, err := proto.MarshalOptions{Deterministic: true}.Marshal(b.Snapshot())
		a = checkpoint.Actor{Kind: ref.Kind, ID: ref.ID, Seq: seq, State: state}
		return err
	})
	if err != nil {
		return a, fmt.Errorf("encode the state: %w", err)
	}
	return a, nil
}

// guarded makes an error of a panic.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}
