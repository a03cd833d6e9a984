package datadir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Names of the secrets that a node makes for itself.
const (
	AuthSecretFile = "auth.secret"
	AdminTokenFile = "admin.token"
	RecordKeyFile  = "record.key"
)

// secretBytes of randomness are in a secret that is made here.
const secretBytes = 32

// EnsureSecret makes the secret of that name if the folder has none, and
// returns its path.
func (d *Dir) EnsureSecret(name string) (path string, err error) {
	path = d.File(name)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	return path, d.write(name, []byte(hex.EncodeToString(secret)+"\n"), 0o600)
}

// ReadSecret returns what a file holds, without the space around it: editors
// and echo end files with a newline.
func ReadSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("read secret: %s is empty", path)
	}
	return secret, nil
}
