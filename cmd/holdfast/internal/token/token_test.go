package token

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
	"github.com/holdfast-game/holdfast/gateway/auth"
)

const secret = "0123456789abcdef0123456789abcdef"

// nodeFolder is a data folder whose node says where its secret is; it says
// nothing when the node does not run.
func nodeFolder(t *testing.T, runs bool, secretFile string) string {
	t.Helper()
	d, err := datadir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if runs {
		if err := d.WriteNodeFile(datadir.NodeFile{SecretFile: secretFile}); err != nil {
			t.Fatal(err)
		}
	}
	return d.Path()
}

func TestWhereTheSecretIsFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped := nodeFolder(t, false, "")
	if err := os.WriteFile(filepath.Join(stopped, datadir.AuthSecretFile), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		r    request
		want string // in the error; none for a token
	}{
		"a file":                       {request{secretFile: file}, ""},
		"a node with a configured one": {request{data: nodeFolder(t, true, file)}, ""},
		"a node that does not run":     {request{data: stopped}, ""},
		"a node with a public key":     {request{data: nodeFolder(t, true, "")}, "--secret-file"},
		"an empty folder":              {request{data: t.TempDir()}, datadir.AuthSecretFile},
		"no time to live":              {request{secretFile: file, ttl: -1}, "--ttl"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.r.player, tc.r.issuer = "bob", "login"
			if tc.r.ttl == 0 {
				tc.r.ttl = time.Minute
			}
			token, err := sign(tc.r)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v does not say %q", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			v, err := auth.New(auth.Config{Secret: []byte(secret), Issuer: "login"})
			if err != nil {
				t.Fatal(err)
			}
			if player, err := v.Verify(token); player != "bob" || err != nil {
				t.Errorf("the token is for %q: %v", player, err)
			}
		})
	}
}
