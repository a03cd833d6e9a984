// Package token is `holdfast token`: it signs a player's token with a secret that
// is on this machine, for development and tests. Games let their login do it.
package token

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	"github.com/holdfast-game/holdfast/gateway/auth"
)

// request is what the command was asked for.
type request struct {
	player, data, secretFile string
	issuer, audience         string
	ttl                      time.Duration
}

// Command returns `token`.
func Command() *cobra.Command {
	var r request
	c := &cobra.Command{
		Use:   "token --player ID",
		Short: "Sign a player's token with a secret of this machine",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			token, err := sign(r)
			if err != nil {
				return exit.Unstarted(err)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), token)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&r.player, "player", "", "id of the player (required)")
	f.StringVar(&r.data, "data", "./data", "data folder of a node, for its secret")
	f.StringVar(&r.secretFile, "secret-file", "", "file with the secret, instead of the node's")
	f.DurationVar(&r.ttl, "ttl", time.Hour, "how long the token is valid")
	f.StringVar(&r.issuer, "issuer", "", "issuer that the token names")
	f.StringVar(&r.audience, "audience", "", "audience that the token names")
	return c
}

func sign(r request) (string, error) {
	if r.player == "" {
		return "", errors.New("--player: must be given")
	}
	if r.ttl <= 0 {
		return "", fmt.Errorf("--ttl: %s, must be positive", r.ttl)
	}
	file := r.secretFile
	if file == "" {
		file = filepath.Join(r.data, datadir.AuthSecretFile)
		// A node that runs knows better: its secret may be configured.
		if n, err := datadir.ReadNodeFile(r.data); err == nil {
			if n.SecretFile == "" {
				return "", fmt.Errorf("the node in %s has only a public key: give --secret-file", r.data)
			}
			file = n.SecretFile
		}
	}
	secret, err := datadir.ReadSecret(file)
	if err != nil {
		return "", err
	}
	return auth.Mint([]byte(secret), auth.Grant{
		Player: r.player, Expires: time.Now().Add(r.ttl), Issuer: r.issuer, Audience: r.audience,
	})
}
