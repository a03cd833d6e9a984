package bench

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

// target is a cluster to put load on.
type target struct {
	url        string // of the WebSocket
	admin      string // base URL of the admin API
	adminToken string
	secret     string // signs the players' tokens
	// funded: new players have money already.
	funded bool
}

// nodeFile is what `holdfast serve` writes to node.json in its data folder when
// it is ready.
type nodeFile struct {
	Listen         string `json:"listen"`
	Admin          string `json:"admin"`
	SecretFile     string `json:"secret_file"`
	AdminTokenFile string `json:"admin_token_file"`
}

// node is a node of one's own: a process of its own and a folder that goes with
// it.
type node struct {
	target
	process *process
	folder  string
}

// startNode starts a node that knows no rate limit and gives every new player
// balance of currency. command is as in startProcess.
func startNode(ctx context.Context, command []string, currency string, balance int64) (*node, error) {
	folder, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	n := &node{folder: folder}
	n.process, err = startProcess(command, "serve",
		"--data", folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--node", "bench",
		"--rate-limit", "0", "--start-balance", fmt.Sprintf("%s=%d", currency, balance))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := n.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start node: %w", err), n.stop())
	}
	return n, nil
}

func (n *node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, nodeReadyTimeout)
	defer cancel()
	return n.process.await(ctx, func() (bool, error) {
		data, err := os.ReadFile(filepath.Join(n.folder, "node.json"))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		var f nodeFile
		if err := json.Unmarshal(data, &f); err != nil {
			return false, nil // half-written: look again
		}
		n.target, err = f.target(n.folder)
		return true, err
	})
}

func (f nodeFile) target(folder string) (target, error) {
	secret, err := readSecret(folder, f.SecretFile)
	if err != nil {
		return target{}, err
	}
	token, err := readSecret(folder, f.AdminTokenFile)
	if err != nil {
		return target{}, err
	}
	return target{
		url: "ws://" + f.Listen + "/v1/ws", admin: "http://" + f.Admin,
		adminToken: token, secret: secret, funded: true,
	}, nil
}

// readSecret reads a file named in the data folder, or anywhere.
func readSecret(folder, name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// stop ends the process and removes the folder.
func (n *node) stop() error {
	return errors.Join(n.process.stop(), os.RemoveAll(n.folder))
}
