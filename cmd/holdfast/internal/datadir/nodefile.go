package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const nodeFile = "node.json"

// NodeFile tells programs on the same machine where a node is reached.
type NodeFile struct {
	// Listen is the host:port of the gateway, "" without one.
	Listen string `json:"listen"`
	// Admin is the host:port of the admin listener.
	Admin string `json:"admin"`
	PID   int    `json:"pid"`
	// SecretFile holds the key of the players' tokens; "" when the node has
	// only a public key.
	SecretFile string `json:"secret_file"`
	// AdminTokenFile holds the bearer token of the admin listener.
	AdminTokenFile string `json:"admin_token_file"`
	// Etcd and NATS are URLs, separated by commas, as the node was told them; ""
	// when they are inside its process. They may hold passwords.
	Etcd string `json:"etcd,omitempty"`
	NATS string `json:"nats,omitempty"`
	// Prefix of the cluster's keys in etcd.
	Prefix string `json:"prefix"`
}

// WriteNodeFile tells that the node is ready.
func (d *Dir) WriteNodeFile(n NodeFile) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", nodeFile, err)
	}
	return d.write(nodeFile, append(text, '\n'), 0o600)
}

// RemoveNodeFile tells that it is not. What a process that was killed has left
// behind is removed the same way.
func (d *Dir) RemoveNodeFile() error {
	if err := os.Remove(d.File(nodeFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", nodeFile, err)
	}
	return nil
}

// ReadNodeFile reads the node.json of a folder that another process uses.
func ReadNodeFile(dir string) (NodeFile, error) {
	var n NodeFile
	text, err := os.ReadFile(filepath.Join(dir, nodeFile))
	if err != nil {
		return n, fmt.Errorf("read where the node is: %w", err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("read %s in %s: %w", nodeFile, dir, err)
	}
	return n, nil
}
