package serve

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/gateway/auth"
)

// keys are what a node knows its players and operators by.
type keys struct {
	players    *auth.Verifier
	adminToken string

	// secretFile is "" and secret nil when players' tokens are signed with a key
	// that the node does not have.
	secretFile     string
	secret         []byte
	adminTokenFile string
}

// readKeys reads the configured keys, and makes those that are not configured.
func readKeys(cfg *config.Config, dir *datadir.Dir) (k keys, err error) {
	k.secretFile, k.adminTokenFile = cfg.AuthSecretFile, cfg.AdminTokenFile
	if k.adminTokenFile == "" {
		if k.adminTokenFile, err = dir.EnsureSecret(datadir.AdminTokenFile); err != nil {
			return k, err
		}
	}
	if k.adminToken, err = datadir.ReadSecret(k.adminTokenFile); err != nil {
		return k, cfg.Errorf("admin-token-file", "%w", err)
	}

	rules := auth.Config{Issuer: cfg.AuthIssuer, Audience: cfg.AuthAudience}
	setting := "auth-secret-file"
	if cfg.AuthPublicKeyFile != "" {
		setting = "auth-public-key-file"
		rules.PublicKey, err = readPublicKey(cfg.AuthPublicKeyFile)
	} else {
		if k.secretFile == "" {
			if k.secretFile, err = dir.EnsureSecret(datadir.AuthSecretFile); err != nil {
				return k, err
			}
		}
		var secret string
		secret, err = datadir.ReadSecret(k.secretFile)
		rules.Secret = []byte(secret)
		k.secret = rules.Secret
	}
	if err == nil {
		k.players, err = auth.New(rules)
	}
	if err != nil {
		return k, cfg.Errorf(setting, "%w", err)
	}
	return k, nil
}

// readPublicKey reads an Ed25519 key as openssl writes it.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("read public key: %s holds no PEM block PUBLIC KEY", path)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read public key: %s: %w", path, err)
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		return k, nil
	}
	return nil, fmt.Errorf("read public key: %s: %w", path, errors.New("it is not an Ed25519 key"))
}
