package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

const (
	// smallMember is the NATS server whose data lie on a disk that can be filled.
	smallMember = "nats-3"
	// bytesPerPurchase is what a purchase takes at most in a log that is never
	// purged, checkpoints included.
	bytesPerPurchase = 3 << 10
	// smallestDisk is what NATS needs to begin with.
	smallestDisk = 256 << 20
)

// smallDisk is a file system in memory that holds the data of one NATS server.
// It has room for the whole campaign, until it is filled.
type smallDisk struct {
	dir   string
	bytes int64
	// absent says why there is none; nil when there is.
	absent error
}

// newSmallDisk mounts a file system, if a fault is to fill it.
func newSmallDisk(cfg Config, dir string) *smallDisk {
	d := &smallDisk{dir: dir, bytes: smallestDisk + int64(cfg.Rate*cfg.For.Seconds())*bytesPerPurchase}
	if !newBag(cfg, false, nil).has("disk-full") {
		d.absent = errors.New("not asked for")
		return d
	}
	if free := freeMemory(); d.bytes > free/2 {
		d.absent = errors.New("too little memory for a file system in memory")
		return d
	}
	if d.absent = os.MkdirAll(dir, 0o700); d.absent == nil {
		d.absent = mountMemory(dir, d.bytes)
	}
	return d
}

func (b *bag) has(kind Kind) bool {
	for _, k := range b.kinds {
		if k == kind {
			return true
		}
	}
	return false
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, "chaos-filler") }

func (d *smallDisk) unmount() error {
	if d.absent != nil {
		return nil
	}
	return unmount(d.dir)
}

// injectDiskFull leaves a NATS server without a free byte. It gives its streams
// up then, and has to be started again once there is room.
func injectDiskFull(_ context.Context, c *cluster, _ *Fault) (*injury, error) {
	if c.small.absent != nil {
		return nil, skip(c.small.absent.Error())
	}
	i := &injury{target: smallMember, heal: func(ctx context.Context) error {
		return errors.Join(os.Remove(c.small.filler()), c.revive(ctx, smallMember))
	}}
	if err := fill(c.small.filler(), c.small.bytes); err != nil {
		return nil, errors.Join(err, os.Remove(c.small.filler()))
	}
	return i, nil
}

// leftover is the room that is left when the store is full: less than what the
// load stores in a second.
const leftover = 64 << 10

// injectStoreFull has all NATS servers refuse what does not fit, as they do when
// they reach their limits. They go on by themselves when there is room.
func injectStoreFull(ctx context.Context, c *cluster, _ *Fault) (*injury, error) {
	room := func(ctx context.Context, bytes string) error {
		_, err := c.run(ctx, "dev", "room", bytes, "--data", c.stackDir())
		return err
	}
	i := &injury{target: "all of NATS", heal: func(ctx context.Context) error { return room(ctx, "all") }}
	if err := room(ctx, strconv.Itoa(leftover)); err != nil {
		return nil, errors.Join(err, i.heal(context.WithoutCancel(ctx)))
	}
	return i, nil
}
