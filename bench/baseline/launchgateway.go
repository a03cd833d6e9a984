package baseline

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// gatewayCommand is the hidden subcommand of `bench` that runs a gateway.
const gatewayCommand = "peer-gateway"

// gatewayConfig is what a gateway's process is told, in a file: there are
// passwords in it.
type gatewayConfig struct {
	Peer   string `json:"peer"`
	Access access `json:"access"`
	Secret string `json:"secret"` // signs the players' tokens
}

// startGateway starts the gateway in a process of its own.
func (r *Running) startGateway(ctx context.Context, cfg gatewayConfig, folder string, command []string) error {
	cfg.Secret = rand.Text()
	text, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("write gateway's configuration: %w", err)
	}
	file := filepath.Join(folder, "gateway.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("write gateway's configuration: %w", err)
	}
	gateway, err := launch.Start(command, "bench", gatewayCommand, file)
	if err != nil {
		return err
	}
	r.stops = append(r.stops, gateway.Stop)
	url, err := firstLine(ctx, gateway)
	if err != nil {
		return fmt.Errorf("start gateway: %w", err)
	}
	r.Target = launch.Target{URL: url, Secret: cfg.Secret}
	return nil
}

// firstLine waits for a process to print one.
func firstLine(ctx context.Context, p *launch.Process) (line string, err error) {
	err = p.Await(ctx, func() (whole bool, _ error) {
		line, _, whole = strings.Cut(p.Output(), "\n")
		return whole, nil
	})
	return strings.TrimSpace(line), err
}

// Command returns the hidden subcommand of `bench` that a Peer runs.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:    gatewayCommand + " CONFIG",
		Short:  "Run a plain gateway before a store of others; prints its address",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			return runGateway(c.Context(), c.OutOrStdout(), args[0])
		},
	}
}

func runGateway(ctx context.Context, w io.Writer, file string) (err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	var cfg gatewayConfig
	if err := json.Unmarshal(text, &cfg); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	p, err := peerNamed(cfg.Peer)
	if err != nil {
		return err
	}
	store, err := p.backend.open(ctx, cfg.Access)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return newGateway(store, cfg.Secret).serve(ctx, w)
}
