package serve

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/gateway/auth"
)

// settings loads a configuration from flags alone.
func settings(t *testing.T, args ...string) *config.Config {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func folder(t *testing.T) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// publicKeyFile writes a key as `openssl pkey -pubout` does.
func publicKeyFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mint(t *testing.T, key any) string {
	t.Helper()
	token, err := auth.Mint(key, auth.Grant{Player: "bob", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestKeysThatNobodyConfiguredAreMade(t *testing.T) {
	dir := folder(t)
	k, err := readKeys(settings(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := datadir.ReadSecret(k.secretFile)
	if err != nil {
		t.Fatal(err)
	}
	if player, err := k.players.Verify(mint(t, []byte(secret))); player != "bob" || err != nil {
		t.Errorf("a token signed with the secret: %q, %v", player, err)
	}
	if filepath.Dir(k.secretFile) != dir.Path() || filepath.Dir(k.adminTokenFile) != dir.Path() || len(k.adminToken) < 32 {
		t.Errorf("keys %+v", k)
	}
	again, err := readKeys(settings(t), dir)
	if err != nil || again.adminToken != k.adminToken || len(k.record) < tape.MinKey || string(again.record) != string(k.record) {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

func TestRecordKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("one for all the nodes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := readKeys(settings(t, "--record-key-file", file), folder(t))
	if err != nil || string(k.record) != "one for all the nodes" {
		t.Errorf("got %q, %v", k.record, err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readKeys(settings(t, "--record-key-file", file), folder(t)); err == nil || !strings.Contains(err.Error(), "record-key-file") || !strings.Contains(err.Error(), "at least 16") {
		t.Errorf("a short one: %v", err)
	}
}

func TestPublicKey(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	k, err := readKeys(settings(t, "--auth-public-key-file", publicKeyFile(t, public)), dir)
	if err != nil {
		t.Fatal(err)
	}
	if player, err := k.players.Verify(mint(t, private)); player != "bob" || err != nil {
		t.Errorf("a token signed with the key: %q, %v", player, err)
	}
	if k.secretFile != "" {
		t.Errorf("there is a secret %s, which signs nothing", k.secretFile)
	}

	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, err = readKeys(settings(t, "--auth-public-key-file", publicKeyFile(t, &other.PublicKey)), dir)
	if err == nil || !strings.Contains(err.Error(), "Ed25519") || !strings.Contains(err.Error(), "auth-public-key-file (--auth-public-key-file)") {
		t.Errorf("a key of another kind: %v", err)
	}
}
