package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nodeReadyTimeout is how long a node of one's own may take to serve.
const nodeReadyTimeout = 60 * time.Second

// Target is a cluster to put load on.
type Target struct {
	URL        string // of the WebSocket
	Admin      string // base URL of the admin listener
	AdminToken string
	Secret     string // signs the players' tokens
	CA         string // PEM of authorities to trust besides the system's
}

// File is what `holdfast serve` writes to node.json in its data folder when
// it is ready.
type File struct {
	Listen         string `json:"listen"`
	Admin          string `json:"admin"`
	SecretFile     string `json:"secret_file"`
	AdminTokenFile string `json:"admin_token_file"`
}

// Node is a node of one's own: a process of its own and a folder that goes with
// it.
type Node struct {
	Target
	*Process
	folder string
}

// StartNode starts a node that knows no rate limit, with more arguments of
// `serve`. command is as in Start.
func StartNode(ctx context.Context, command []string, args ...string) (*Node, error) {
	folder, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	n := &Node{folder: folder}
	n.Process, err = Start(command, append([]string{"serve",
		"--data", folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--node", "bench",
		"--rate-limit", "0", "--play=false"}, args...)...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := n.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start node: %w", err), n.Stop())
	}
	return n, nil
}

func (n *Node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, nodeReadyTimeout)
	defer cancel()
	return n.Await(ctx, func() (bool, error) {
		data, err := os.ReadFile(filepath.Join(n.folder, "node.json"))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		var f File
		if err := json.Unmarshal(data, &f); err != nil {
			return false, nil // half-written: look again
		}
		n.Target, err = f.target(n.folder)
		return true, err
	})
}

func (f File) target(folder string) (Target, error) {
	secret, err := readSecret(folder, f.SecretFile)
	if err != nil {
		return Target{}, err
	}
	token, err := readSecret(folder, f.AdminTokenFile)
	if err != nil {
		return Target{}, err
	}
	return Target{
		URL: "ws://" + f.Listen + "/v1/ws", Admin: "http://" + f.Admin, AdminToken: token, Secret: secret,
	}, nil
}

// readSecret reads a file named in the data folder, or anywhere.
func readSecret(folder, name string) (secret string, err error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	err = ReadSecret(name, &secret)
	return secret, err
}

// ReadSecret reads the file of a flag. Without a name it changes nothing.
func ReadSecret(name string, into *string) error {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	*into = strings.TrimSpace(string(data))
	return nil
}

// Stop ends the process and removes the folder.
func (n *Node) Stop() error {
	return errors.Join(n.Process.Stop(), os.RemoveAll(n.folder))
}
