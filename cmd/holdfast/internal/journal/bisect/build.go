package bisect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// build is a child that folds.
type build struct {
	name     string // "good" or "bad"
	version  string
	cmd      *exec.Cmd
	pipe     *pipe
	stdin    io.Closer
	stderr   *lastWords
	patience time.Duration
	ended    *EndedError
}

// EndedError: a build has ended, or was ended because it did not answer.
type EndedError struct {
	Build, Why string
}

func (e *EndedError) Error() string { return fmt.Sprintf("the %s build %s", e.Build, e.Why) }

// start runs a program, and waits until it has said what it is. The program ends
// with ctx, or with end.
func start(ctx context.Context, name, path string, args []string, patience time.Duration) (*build, error) {
	b := &build{name: name, cmd: exec.CommandContext(ctx, path, args...), stderr: new(lastWords), patience: patience}
	b.cmd.Stderr = b.stderr
	stdin, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the %s build: %w", name, err)
	}
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the %s build: %w", name, err)
	}
	b.stdin, b.pipe = stdin, newPipe(stdout, stdin)
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s build: %w", name, err)
	}
	if err := b.exchange(b.hello); err != nil {
		b.end()
		return nil, fmt.Errorf("%w: is it a build of this program that has `journal bisect`?", err)
	}
	return b, nil
}

// end ends the child, and waits for it.
func (b *build) end() {
	_ = b.stdin.Close() // which is what it ends by
	over := time.AfterFunc(b.patience, func() { _ = b.cmd.Process.Kill() })
	defer over.Stop()
	if b.ended == nil {
		_ = b.cmd.Wait() // what it was asked for has been answered
	}
}

// exchange runs one question and its answer, for as long as patience lasts. The
// error is an EndedError, and the build is gone then.
func (b *build) exchange(f func() error) error {
	if b.ended != nil {
		return b.ended
	}
	var late bool
	var mu sync.Mutex
	timer := time.AfterFunc(b.patience, func() {
		mu.Lock()
		defer mu.Unlock()
		late = true
		_ = b.cmd.Process.Kill() // it may be gone already
	})
	err := f()
	timer.Stop()
	if err == nil {
		return nil
	}
	_ = b.cmd.Process.Kill()
	waited := b.cmd.Wait()
	mu.Lock()
	defer mu.Unlock()
	why := fmt.Sprintf("said something that could not be understood (%v)", err)
	switch {
	case late:
		why = fmt.Sprintf("did not answer in %v", b.patience)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "broken pipe"), strings.Contains(err.Error(), "file already closed"):
		why = "ended"
		if exit := new(exec.ExitError); errors.As(waited, &exit) && exit.ExitCode() >= 0 {
			why = "ended with " + exit.Error()
		}
	}
	if words := b.stderr.String(); words != "" {
		why += ": " + words
	}
	b.ended = &EndedError{Build: b.name, Why: why}
	return b.ended
}

// ask sends a frame and reads the answer, of that type.
func (b *build) ask(typ byte, body []byte, answer byte) (*fields, error) {
	if err := b.pipe.write(typ, body); err != nil {
		return nil, err
	}
	return b.answer(answer)
}

func (b *build) answer(want byte) (*fields, error) {
	typ, body, err := b.pipe.read()
	if err != nil {
		return nil, err
	}
	if typ != want {
		return nil, fmt.Errorf("%w: of type %q, not %q", errBroken, typ, want)
	}
	return &fields{data: body}, nil
}

func (b *build) hello() error {
	f, err := b.answer(typeHello)
	if err != nil {
		return err
	}
	name, v := string(f.bytes()), f.uvarint()
	b.version = string(f.bytes())
	switch {
	case f.bad || name != greeting:
		return errBroken
	case v != version:
		return fmt.Errorf("it speaks version %d of the protocol, and this program version %d", v, version)
	}
	return nil
}

// fold has the build fold items of n actors.
func (b *build) fold(body []byte, n int) (out []Outcome, err error) {
	err = b.exchange(func() error {
		f, err := b.ask(typeFold, body, typeAnswer)
		if err == nil {
			out, err = f.outcomes(n)
		}
		return err
	})
	return out, err
}

// show returns an actor's state and an event as the build writes them in JSON.
// Nothing of a build that has ended.
func (b *build) show(ref actors.Ref, event []byte) (state, text []byte) {
	body := appendString(appendString(nil, ref.Kind), ref.ID)
	err := b.exchange(func() error {
		f, err := b.ask(typeShow, appendString(body, event), typeShown)
		if err != nil {
			return err
		}
		state, text = append([]byte(nil), f.bytes()...), append([]byte(nil), f.bytes()...)
		return nil
	})
	if err != nil {
		return nil, nil
	}
	return state, text
}

// keptWords is how much of what a child wrote to standard error is kept: the
// beginning says what went wrong, and a Go program's panic goes on for pages.
const keptWords = 500

// lastWords keeps the beginning of what a child writes to standard error.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p[:min(len(p), keptWords-len(w.text))]...)
	return len(p), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(w.text), "?"))
}
