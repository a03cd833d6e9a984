package launch

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadSecret(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("a secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := ReadSecret(name, &got); err != nil || got != "a secret" {
		t.Errorf("got %q, %v, want the secret without its line end", got, err)
	}
	if err := ReadSecret("", &got); err != nil || got != "a secret" {
		t.Errorf("got %q, %v, want it left alone", got, err)
	}
}
