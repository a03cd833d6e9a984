package serve

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-game/holdfast/bench/tape"
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

	// record hashes the players' ids on tapes.
	record []byte
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

	if k.record, err = recordKey(cfg, dir); err != nil {
		return k, cfg.Errorf("record-key-file", "%w", err)
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

// recordKey reads the key of recordings, or makes one.
func recordKey(cfg *config.Config, dir *datadir.Dir) ([]byte, error) {
	file := cfg.RecordKeyFile
	if file == "" {
		var err error
		if file, err = dir.EnsureSecret(datadir.RecordKeyFile); err != nil {
			return nil, err
		}
	}
	key, err := datadir.ReadSecret(file)
	if err == nil && len(key) < tape.MinKey {
		err = fmt.Errorf("%s: %d bytes, must be at least %d", file, len(key), tape.MinKey)
	}
	return []byte(key), err
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
