package datadir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// format is the version of the layout that this program reads and writes. A
// folder of an older one is brought up to date when it is opened.
const format = 1

// StackFolder is where a node keeps its embedded etcd and NATS.
const StackFolder = "stack"

var (
	// ErrInUse: another process has the folder open.
	ErrInUse = errors.New("in use by another process")
	// ErrFormat: the folder's format is not one that this program knows.
	ErrFormat = errors.New("unknown format")
)

// Dir is a data folder that this process alone uses.
type Dir struct {
	path string
	lock *flock.Flock
}

// Open takes the folder, which is created when absent. Errors: ErrInUse,
// ErrFormat.
func Open(path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", path, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	d := &Dir{path: abs, lock: flock.New(filepath.Join(abs, "LOCK"), flock.SetPermissions(0o600))}
	got, err := d.lock.TryLock()
	if err == nil && !got {
		err = ErrInUse
	}
	if err == nil {
		err = d.checkFormat()
	}
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", abs, errors.Join(err, d.lock.Close()))
	}
	return d, nil
}

// checkFormat reads the folder's format, or marks a new folder with it.
func (d *Dir) checkFormat() error {
	text, err := os.ReadFile(d.File("FORMAT"))
	if errors.Is(err, fs.ErrNotExist) {
		return d.write("FORMAT", []byte(strconv.Itoa(format)+"\n"), 0o644)
	}
	if err != nil {
		return err
	}
	v, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	switch {
	case err != nil || v < 1:
		return fmt.Errorf("%w: FORMAT holds %.20q, not a version", ErrFormat, text)
	case v > format:
		return fmt.Errorf("%w: its format is %d, this program knows formats up to %d", ErrFormat, v, format)
	}
	return nil
}

// Path is the folder's absolute path.
func (d *Dir) Path() string { return d.path }

// File is the absolute path of a file in the folder.
func (d *Dir) File(name string) string { return filepath.Join(d.path, name) }

// Close lets others use the folder.
func (d *Dir) Close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("close data folder: %w", err)
	}
	return nil
}

// write replaces a file: readers see the old or the new one, whole.
func (d *Dir) write(name string, content []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(d.path, "."+name+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), d.File(name))
}
