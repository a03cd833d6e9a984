package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// bareReadyTimeout is how long the bare server may take to listen.
const bareReadyTimeout = 10 * time.Second

// bareScene is a bare WebSocket server in a process of its own that broadcasts
// full snapshots.
type bareScene struct {
	process *launch.Process
	address string
	start   time.Time
	hz      int
	file    string // with the trace
}

// startBare starts one. Without a trace it sends nothing.
func startBare(ctx context.Context, command []string, t trace, hz int) (b *bareScene, err error) {
	b = &bareScene{hz: hz}
	args := []string{"bench", bareServerCommand, "--hz", strconv.Itoa(hz)}
	if len(t) > 0 {
		f, err := os.CreateTemp("", "holdfast-bench-*.trace")
		if err != nil {
			return nil, fmt.Errorf("write trace: %w", err)
		}
		b.file = f.Name()
		if err := errors.Join(t.write(f), f.Close()); err != nil {
			return nil, errors.Join(err, os.Remove(b.file))
		}
		args = append(args, "--trace", b.file)
	}
	if b.process, err = launch.Start(command, args...); err != nil {
		return nil, errors.Join(err, b.removeFile())
	}
	ctx, cancel := context.WithTimeout(ctx, bareReadyTimeout)
	defer cancel()
	if err := b.process.Await(ctx, b.ready); err != nil {
		return nil, errors.Join(fmt.Errorf("start bare server: %w", err), b.stop())
	}
	return b, nil
}

// ready reads the line that the server prints: its address and when it started.
func (b *bareScene) ready() (bool, error) {
	line, _, whole := strings.Cut(b.process.Output(), "\n")
	if !whole {
		return false, nil
	}
	address, start, _ := strings.Cut(line, " ")
	nanos, err := strconv.ParseInt(start, 10, 64)
	if err != nil {
		return false, fmt.Errorf("bare server printed %q", line)
	}
	b.address, b.start = address, time.Unix(0, nanos)
	return true, nil
}

func (b *bareScene) stop() error { return errors.Join(b.process.Stop(), b.removeFile()) }

func (b *bareScene) removeFile() error {
	if b.file == "" {
		return nil
	}
	return os.Remove(b.file)
}

func (b *bareScene) addresses() string { return b.address }
func (b *bareScene) keyed() bool       { return false }

func (b *bareScene) usage(context.Context) (launch.Usage, error) { return b.process.Usage() }

// enter does nothing: who is connected is a viewer.
func (b *bareScene) enter(context.Context, int, *socket, func([]byte)) error { return nil }

func (b *bareScene) explain(message []byte) (meaning, error) {
	return meaning{kind: kindFrame, frame: message}, nil
}

func (b *bareScene) follower() follower { return &bareFollower{scene: b} }

// bareFollower follows full snapshots, whose numbers are their ticks.
type bareFollower struct {
	scene *bareScene
	tick  uint64 // the last one taken
}

func (b *bareFollower) begin([]byte) (uint64, frame, error) {
	return 0, frame{}, errors.New("a bare server sends no keyframes")
}

func (b *bareFollower) number() uint64 { return b.tick }

func (b *bareFollower) again() { b.tick = 0 }

func (b *bareFollower) next(text []byte) (frame, bool, error) {
	n, kind, size := protowire.ConsumeTag(text)
	if size < 0 || n != snapshotTick || kind != protowire.VarintType {
		return frame{}, false, errors.New("read snapshot: no tick in it")
	}
	tick, size := protowire.ConsumeVarint(text[size:])
	if size < 0 {
		return frame{}, false, fmt.Errorf("read snapshot: %w", protowire.ParseError(size))
	}
	if b.tick > 0 && tick != b.tick+1 {
		return frame{}, false, nil
	}
	b.tick = tick
	due := b.scene.start.Add(time.Duration(tick) * time.Second / time.Duration(b.scene.hz))
	return frame{due: due.UnixNano(), full: framed(len(text))}, true, nil
}
