package tidy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms are the top-level folders that hold Go packages, and which of the others
// each may import outside its tests. Everybody may import proto; cmd only the
// examples, which are mains of their own.
var rooms = map[string][]string{
	"actors":   {"proto"},
	"bench":    {"client", "proto"}, // a black box: what players and operators can do
	"client":   {"proto"},
	"cluster":  {"proto"},
	"cmd":      {"actors", "bench", "client", "cluster", "gateway", "internal", "proto", "shard"},
	"docs":     {"actors", "cmd", "proto"}, // examples of kinds
	"gateway":  {"cluster", "proto"},
	"internal": {"proto"},
	"proto":    {},
	"shard":    {"actors", "cluster", "proto"},
}

// apart are folders that may import more than the rest of their room.
var apart = map[string][]string{
	"internal/sim": {"actors", "cluster", "proto", "shard"}, // it runs their state machines
}

// owned are libraries that one room alone may import.
var owned = map[string][]string{
	// What Holdfast keeps in etcd, cluster alone reads and writes. bench/baseline
	// keeps nothing of Holdfast there: it is the rival that keeps its stock in an
	// etcd of its own, and with a slower client it would be a weaker rival.
	"go.etcd.io/etcd/client/v3": {"cluster", "bench/baseline"},
	"go.etcd.io/etcd/server/v3": {"internal/devstack"},
	"go.etcd.io/etcd/api/v3":    {"cluster"},

	"github.com/nats-io/nats-server/v2":   {"internal/devstack"},
	"github.com/gorilla/websocket":        {"gateway", "client", "bench"},
	"github.com/asynkron/protoactor-go":   {"shard", "cluster/peer"},
	"github.com/spf13/cobra":              {"cmd", "bench"},
	"github.com/Shopify/toxiproxy/v2":     {"bench/chaos"},
	"github.com/redis/go-redis/v9":        {"bench/baseline"},
	"github.com/jackc/pgx/v5":             {"bench/baseline"},
	"github.com/prometheus/client_golang": {"bench", "client", "cluster", "cmd", "gateway", "shard"},
}

func room(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

func within(p string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return p == f || strings.HasPrefix(p, f+"/") })
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || !strings.Contains(s.path, "/") {
			continue
		}
		for _, spec := range s.ast.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := judge(s.dir(), imported); wrong != "" {
				t.Errorf("%s: %s", s.path, wrong)
			}
		}
	}
}

// judge says what is wrong with the package in folder from importing another,
// outside its tests.
func judge(from, imported string) string {
	allowed, known := rooms[room(from)]
	if !known {
		return fmt.Sprintf("there is no room %q", room(from))
	}
	if more, ok := apart[from]; ok {
		allowed = more
	}
	if isDouble(from) {
		return ""
	}
	if to, ours := strings.CutPrefix(imported, module+"/"); ours {
		switch {
		case isDouble(to):
			return fmt.Sprintf("imports %s, which is for tests", to)
		case room(to) != room(from) && !slices.Contains(allowed, room(to)):
			return fmt.Sprintf("imports %s: %s may import %q only", to, room(from), allowed)
		}
		return ""
	}
	for library, folders := range owned {
		if within(imported, []string{library}) && !within(from, folders) {
			return fmt.Sprintf("imports %s, which belongs to %q", imported, folders)
		}
	}
	return ""
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		from, imported string
		wrong          bool
	}{
		{"gateway", module + "/cluster", false},
		{"gateway/auth", module + "/proto/client/v1", false},
		{"gateway", module + "/shard", true},
		{"gateway", module + "/actors/player", true},
		{"actors/player", module + "/cluster", true},
		{"actors/player", module + "/actors", false},
		{"cluster", module + "/shard", true},
		{"cluster/peer", module + "/cluster", false},
		{"bench", module + "/gateway/auth", true},
		{"client", module + "/internal/devstack", true},
		{"cmd/holdfast", module + "/internal/devstack", false},
		{"shard", module + "/cluster/clustertest", true},
		{"cluster/clustertest", module + "/internal/devstack", false},
		{"internal/sim", module + "/shard/journal/committer", false},
		{"internal/sim", module + "/gateway", true},
		{"internal/devstack", module + "/shard", true},
		{"shard", "go.etcd.io/etcd/client/v3", true},
		{"shard", "go.etcd.io/etcd/client/v3/concurrency", true},
		{"cluster", "go.etcd.io/etcd/client/v3", false},
		{"bench/baseline", "go.etcd.io/etcd/client/v3", false},
		{"bench/baseline", module + "/cluster", true},
		{"bench", "go.etcd.io/etcd/client/v3", true},
		{"bench/chaos", "github.com/redis/go-redis/v9", true},
		{"cmd/holdfast", "github.com/nats-io/nats-server/v2/server", true},
		{"lobby", "fmt", true},
	} {
		if wrong := judge(tc.from, tc.imported); (wrong != "") != tc.wrong {
			t.Errorf("%s imports %s: %q, want wrong: %t", tc.from, tc.imported, wrong, tc.wrong)
		}
	}
}

// isDouble says whether a package plays another's part in tests. Doubles are
// named after the package that they play, and use the embedded servers.
func isDouble(p string) bool {
	for word := range strings.SplitSeq(p, "/") {
		if strings.HasSuffix(word, "test") {
			return true
		}
	}
	return false
}

// Behaviours replay their events: what they read besides them differs each time.
func TestActorsDoNoIO(t *testing.T) {
	forbidden := []string{"net", "os", "syscall", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "log", "log/slog"}
	for _, s := range sources(t) {
		if room(s.path) != "actors" || s.test() || isDouble(s.path) {
			continue
		}
		for _, spec := range s.ast.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err != nil || within(imported, forbidden) {
				t.Errorf("%s imports %s: a behaviour does no I/O and takes no chances", s.path, spec.Path.Value)
			}
		}
		for _, clock := range []string{"time.Now(", "time.Since(", "time.Until(", "time.After(", "time.NewTimer(", "time.Sl" + "eep("} {
			if strings.Contains(string(s.text), clock) {
				t.Errorf("%s calls %s…): time arrives in the message", s.path, clock)
			}
		}
	}
}
