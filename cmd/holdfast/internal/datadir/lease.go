package datadir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

const leaseFile = "lease"

// Lease returns the lease of the process that used the folder last, 0 when
// there is none, or none that can be read: it runs out by itself. That process is dead, or this one could not have opened the
// folder, so its lease may be revoked.
func (d *Dir) Lease() (int64, error) {
	text, err := os.ReadFile(d.File(leaseFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read predecessor's lease: %w", err)
	}
	if id, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 16, 64); err == nil {
		return id, nil
	}
	return 0, nil
}

// SetLease keeps this process's lease for its successor.
func (d *Dir) SetLease(id int64) error {
	return d.write(leaseFile, []byte(strconv.FormatInt(id, 16)+"\n"), 0o600)
}
