package launch

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// Flags are where a command's flags put the cluster that they name.
type Flags struct {
	URL, Admin, AdminToken, Secret *string
	// CA is nil for a command that speaks no TLS.
	CA *string
}

// Add adds --url, --admin, and a secret and a token, each by itself or in a
// file, and --ca. Files are read before the command runs.
func (t Flags) Add(c *cobra.Command) {
	var secretFile, tokenFile, caFile string
	f := c.Flags()
	f.StringVar(t.URL, "url", "", "WebSocket address of a gateway, such as ws://127.0.0.1:8080/v1/ws, or of several, separated by commas; none: a node of its own")
	f.StringVar(t.Admin, "admin", "", "base URL of an admin listener, such as http://127.0.0.1:8081; with --url")
	f.StringVar(t.AdminToken, "admin-token", "", "bearer token of the admin listener")
	f.StringVar(&tokenFile, "admin-token-file", "", "file with the bearer token")
	f.StringVar(t.Secret, "secret", "", "secret that signs the players' tokens; with --url")
	f.StringVar(&secretFile, "secret-file", "", "file with the secret")
	if t.CA != nil {
		f.StringVar(&caFile, "ca", "", "file of certificates, in PEM, of authorities to trust besides the system's, for wss:// and https://")
	}
	c.MarkFlagsMutuallyExclusive("secret", "secret-file")
	c.MarkFlagsMutuallyExclusive("admin-token", "admin-token-file")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if err := c.ValidateFlagGroups(); err != nil { // cobra does it after this
			return err
		}
		return errors.Join(ReadSecret(secretFile, t.Secret), ReadSecret(tokenFile, t.AdminToken), readCA(caFile, t.CA))
	}
}

// readCA reads the file of --ca. Without a name it changes nothing.
func readCA(name string, into *string) error {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read certificates: %w", err)
	}
	*into = string(data)
	return nil
}

// Validate says what is missing of a cluster that others have started. It is
// none without a URL, and nothing else must be set then. admin says what the
// admin listener is for.
func (t Target) Validate(admin string) error {
	switch {
	case t.URL != "" && t.Admin == "":
		return fmt.Errorf("Admin: needed with URL, to %s", admin)
	case t.URL != "" && t.Secret == "":
		return errors.New("Secret: needed with URL, to sign the players' tokens")
	case t.URL == "" && (t.Admin != "" || t.AdminToken != "" || t.Secret != "" || t.CA != ""):
		return errors.New("URL: missing, although Admin, AdminToken, Secret or CA name a cluster")
	case t.CA != "":
		_, err := t.authorities()
		return err
	}
	return nil
}
