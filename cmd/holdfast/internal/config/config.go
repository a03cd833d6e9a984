package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Roles that a node can have.
const (
	RoleGateway = "gateway"
	RoleShard   = "shard"
)

// Config is what a node was told.
type Config struct {
	Data  string
	Node  string
	Roles []string

	Listen        string
	Admin         string
	Peer          string
	PeerAdvertise string

	// Etcd and NATS are empty for embedded servers.
	Etcd     []string
	NATS     []string
	Prefix   string
	Shards   int
	LeaseTTL time.Duration
	Replicas int

	CheckpointEvery time.Duration
	CheckpointBytes int
	RetainLogs      bool
	LiveActors      int

	RateLimit    float64
	RateBurst    int
	Origins      []string
	StartBalance map[string]int64
	Catalog      string
	Zones        string
	Play         bool

	AuthSecretFile    string
	AuthPublicKeyFile string
	AuthIssuer        string
	AuthAudience      string
	AdminTokenFile    string

	Record        string
	RecordPlayers bool
	RecordBytes   int
	RecordKeyFile string

	DrainTimeout time.Duration
	LogLevel     slog.Level
	LogFormat    string

	// sources says where each setting came from, by name.
	sources map[string]string
}

// Embedded: the node brings its own etcd and NATS.
func (c *Config) Embedded() bool { return len(c.Etcd) == 0 }

// Has says whether the node has a role.
func (c *Config) Has(role string) bool { return slices.Contains(c.Roles, role) }

// Errorf describes what is wrong with a setting whose value proved unusable
// later: it names the setting and where the value was given.
func (c *Config) Errorf(setting, format string, args ...any) error {
	return fmt.Errorf("%s (%s): %w", setting, c.sources[setting], fmt.Errorf(format, args...))
}

// nodeName is as cluster has it: names become parts of keys and of log names.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// maxShards is as in cluster.
const maxShards = 4096

// validate checks the settings one by one and against each other.
func (c *Config) validate() error {
	for _, check := range []struct {
		setting string
		err     error
	}{
		{"data", notEmpty(c.Data)},
		{"node", checkNode(c.Node)},
		{"roles", checkRoles(c.Roles)},
		{"listen", checkListen(c.Listen)},
		{"admin", checkListen(c.Admin)},
		{"peer", checkListen(c.Peer)},
		{"peer-advertise", checkAdvertise(c.Peer, c.PeerAdvertise)},
		{"etcd", checkURLs(c.Etcd, "http", "https")},
		{"nats", checkURLs(c.NATS, "nats", "tls", "ws", "wss")},
		{"nats", checkTogether(c.Etcd, c.NATS)},
		{"prefix", checkPrefix(c.Prefix)},
		{"shards", between(c.Shards, 0, maxShards)},
		{"lease-ttl", checkLeaseTTL(c.LeaseTTL)},
		{"replicas", checkReplicas(c)},
		{"checkpoint-every", checkPositive(c.CheckpointEvery)},
		{"checkpoint-bytes", between(c.CheckpointBytes, 1<<20, 1<<40)},
		{"live-actors", between(c.LiveActors, 1, 100_000_000)},
		{"rate-limit", checkRate(c.RateLimit)},
		{"rate-burst", between(c.RateBurst, 1, 1_000_000)},
		{"origins", checkOrigins(c.Origins)},
		{"start-balance", checkBalance(c.StartBalance)},
		{"auth-public-key-file", checkAuth(c)},
		{"record", checkRecord(c)},
		{"record-bytes", between(c.RecordBytes, 0, 1<<50)},
		{"drain-timeout", checkPositive(c.DrainTimeout)},
		{"log-format", oneOf(c.LogFormat, "text", "json")},
	} {
		if check.err != nil {
			return c.Errorf(check.setting, "%w", check.err)
		}
	}
	return nil
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func oneOf(s string, all ...string) error {
	if !slices.Contains(all, s) {
		return fmt.Errorf("%q, must be %s", s, strings.Join(all, " or "))
	}
	return nil
}

func between(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d, must be %d to %d", n, low, high)
	}
	return nil
}

func checkPositive(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s, must be positive", d)
	}
	return nil
}

func checkNode(name string) error {
	if !nodeName.MatchString(name) {
		return fmt.Errorf("%q, must be 1 to 63 letters, digits, dashes and underscores, beginning with a letter or digit", name)
	}
	return nil
}

func checkRoles(roles []string) error {
	if len(roles) == 0 {
		return errors.New("none given, must be gateway, shard or both")
	}
	for i, r := range roles {
		if err := oneOf(r, RoleGateway, RoleShard); err != nil {
			return err
		}
		if slices.Contains(roles[:i], r) {
			return fmt.Errorf("%q is given twice", r)
		}
	}
	return nil
}

func checkListen(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q, must be host:port or :port", addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q, the port must be 0 to 65535", addr)
	}
	return nil
}

// checkAdvertise: peers must be told an address that they can dial.
func checkAdvertise(listen, advertise string) error {
	host := advertise
	if advertise == "" {
		host = listen
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, _ := netip.ParseAddr(host) // invalid for a name, which is fine
	switch {
	case host != "" && !ip.IsUnspecified():
		return nil
	case advertise == "":
		return fmt.Errorf("must be given, because peer (%q) is not an address that other nodes can dial", listen)
	default:
		return fmt.Errorf("%q is not an address that other nodes can dial", advertise)
	}
}

func checkURLs(urls []string, schemes ...string) error {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
			return fmt.Errorf("%q, must be a URL such as %s://host:port", text, schemes[0])
		}
	}
	return nil
}

func checkTogether(etcd, nats []string) error {
	if (len(etcd) == 0) != (len(nats) == 0) {
		return errors.New("etcd and nats must be given together, or neither for embedded ones")
	}
	return nil
}

func checkPrefix(p string) error {
	if !strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") {
		return fmt.Errorf("%q, must begin with a slash and not end with one", p)
	}
	return nil
}

func checkLeaseTTL(d time.Duration) error {
	if d < 2*time.Second || d > time.Minute || d%time.Second != 0 {
		return fmt.Errorf("%s, must be whole seconds, 2s to 1m", d)
	}
	return nil
}

func checkReplicas(c *Config) error {
	switch {
	case c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		return fmt.Errorf("%d, must be 1, 3 or 5", c.Replicas)
	case c.Replicas > 1 && c.Embedded():
		return fmt.Errorf("%d, must be 1 with the embedded NATS, which is a single server", c.Replicas)
	}
	return nil
}

func checkRate(r float64) error {
	if !(r >= 0 && r <= 1_000_000) {
		return fmt.Errorf("%g, must be 0 (no limit) to 1000000 requests a second", r)
	}
	return nil
}

func checkOrigins(origins []string) error {
	for _, o := range origins {
		if o == "*" {
			continue
		}
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("%q, must be * or a scheme and a host, such as https://game.example", o)
		}
	}
	return nil
}

func checkBalance(b map[string]int64) error {
	for currency, amount := range b {
		if currency == "" || len(currency) > 32 {
			return fmt.Errorf("currency %.40q must have 1 to 32 bytes", currency)
		}
		if amount < 0 {
			return fmt.Errorf("%s=%d, must not be negative", currency, amount)
		}
	}
	return nil
}

func checkAuth(c *Config) error {
	if c.AuthSecretFile != "" && c.AuthPublicKeyFile != "" {
		return errors.New("give either this or auth-secret-file: tokens are signed with one key")
	}
	return nil
}

func checkRecord(c *Config) error {
	if c.Record != "" && !c.Has(RoleGateway) {
		return errors.New("must not be given without the role gateway: there are no clients to record")
	}
	return nil
}
