package datadir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

func TestOnlyOneProcessHasTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data")
	d := open(t, path)
	if _, err := Open(path); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second open: %v, want ErrInUse and the folder's name", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestFormat(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		want    error
	}{
		"its own": {"1\n", nil},
		"newer":   {"2\n", ErrFormat},
		"zero":    {"0\n", ErrFormat},
		"garbage": {"holdfast", ErrFormat},
		"empty":   {"", ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := Open(dir)
			if !errors.Is(err, tc.want) {
				t.Fatalf("open: %v, want %v", err, tc.want)
			}
			if err == nil {
				_ = d.Close()
				return
			}
			// A folder that was refused is free for the program that knows it.
			if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("1"), 0o600); err != nil {
				t.Fatal(err)
			}
			open(t, dir)
		})
	}
}

func TestLeaseIsKeptForTheSuccessor(t *testing.T) {
	d := open(t, t.TempDir())
	for _, want := range []int64{0, 0x7587_8f00_0000_0001, 1} {
		if want != 0 {
			if err := d.SetLease(want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := d.Lease(); got != want || err != nil {
			t.Errorf("lease: %x, %v, want %x", got, err, want)
		}
	}
	if err := os.WriteFile(d.File(leaseFile), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Lease(); got != 0 || err != nil {
		t.Errorf("lease of an unreadable file: %x, %v, want none", got, err)
	}
}

func TestSecretsAreMadeOnceAndPrivate(t *testing.T) {
	d := open(t, t.TempDir())
	var secrets []string
	for range 2 {
		path, err := d.EnsureSecret(AuthSecretFile)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := ReadSecret(path)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	if secrets[0] != secrets[1] || len(secrets[0]) != 2*secretBytes {
		t.Errorf("secrets %q, want the same twice, of %d digits", secrets, 2*secretBytes)
	}
	info, err := os.Stat(d.File(AuthSecretFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestReadSecretRefusesAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSecret(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name the file", err)
	}
}

func TestNodeFile(t *testing.T) {
	d := open(t, t.TempDir())
	if err := d.RemoveNodeFile(); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
	want := NodeFile{Listen: "127.0.0.1:8080", Admin: "127.0.0.1:8081", PID: 7, AdminTokenFile: "/x"}
	if err := d.WriteNodeFile(want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadNodeFile(d.Path()); got != want || err != nil {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
	if err := d.RemoveNodeFile(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadNodeFile(d.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read after removal: %v", err)
	}
	left, err := filepath.Glob(d.File(".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}
