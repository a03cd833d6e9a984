package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestFlagsNameACluster(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got Target
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("a certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) error {
		got = Target{}
		c := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error { return nil }}
		Flags{&got.URL, &got.Admin, &got.AdminToken, &got.Secret, &got.CA}.Add(c)
		c.SetArgs(args)
		return c.Execute()
	}
	want := Target{URL: "ws://x/v1/ws", Admin: "http://x", AdminToken: "a token", Secret: "s", CA: "a certificate\n"}
	if err := run("--url", want.URL, "--admin", want.Admin, "--admin-token-file", token, "--secret", "s", "--ca", ca); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for want, args := range map[string][]string{
		"no such file":      {"--secret-file", token + "s"},
		"read certificates": {"--ca", ca + "s"},
		"secret-file":       {"--secret", "s", "--secret-file", token},
		"admin-token-file":  {"--admin-token", "s", "--admin-token-file", token},
	} {
		if err := run(args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", args, err, want)
		}
	}
}

func TestTargetValidate(t *testing.T) {
	for want, target := range map[string]Target{
		"":                                {},
		"Admin: needed with URL, to look": {URL: "ws://x"},
		"Secret: needed":                  {URL: "ws://x", Admin: "http://x"},
		"URL: missing":                    {AdminToken: "t"},
		"CA: there is no certificate":     {URL: "ws://x", Admin: "http://x", Secret: "s", CA: "-----BEGIN"},
	} {
		err := target.Validate("look")
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%+v: got %v, want an error that begins with %q", target, err, want)
		}
	}
}
