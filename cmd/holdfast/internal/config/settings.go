package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// setting is one thing that an operator can tell. Its value arrives as a string
// from flags and the environment, and as whatever YAML makes of it from a file.
type setting struct {
	name  string
	def   string
	usage string
	set   func(c *Config, value any) error
}

// settings are all there are, in the order that --help shows them.
var settings = []setting{
	{"data", "./data", "data folder", text(func(c *Config) *string { return &c.Data })},
	{"node", defaultNode(), "name of this node, unique in the cluster", text(func(c *Config) *string { return &c.Node })},
	{"roles", "gateway,shard", "what this node does: gateway, shard or both", list(func(c *Config) *[]string { return &c.Roles })},

	{"listen", ":8080", "address for clients", text(func(c *Config) *string { return &c.Listen })},
	{"admin", "127.0.0.1:8081", "address for operators", text(func(c *Config) *string { return &c.Admin })},
	{"peer", "127.0.0.1:0", "address for other nodes", text(func(c *Config) *string { return &c.Peer })},
	{"peer-advertise", "", "host or host:port that other nodes are told instead", text(func(c *Config) *string { return &c.PeerAdvertise })},

	{"etcd", "", "URLs of etcd; none: an embedded one", list(func(c *Config) *[]string { return &c.Etcd })},
	{"nats", "", "URLs of NATS; none: an embedded one", list(func(c *Config) *[]string { return &c.NATS })},
	{"prefix", "/holdfast", "prefix of the cluster's keys in etcd", text(func(c *Config) *string { return &c.Prefix })},
	{"shards", "0", "number of shards of a new cluster; 0: 64, or what the cluster has", integer(func(c *Config) *int { return &c.Shards })},
	{"lease-ttl", "3s", "how long a dead node's shards stay without an owner", duration(func(c *Config) *time.Duration { return &c.LeaseTTL })},
	{"replicas", "1", "copies of logs and checkpoints in NATS: 1, 3 or 5", integer(func(c *Config) *int { return &c.Replicas })},
	{"checkpoint-every", "10s", "time between two checkpoints of a shard", duration(func(c *Config) *time.Duration { return &c.CheckpointEvery })},
	{"checkpoint-bytes", "33554432", "bytes of log that bring the next checkpoint forward", integer(func(c *Config) *int { return &c.CheckpointBytes })},
	{"retain-logs", "false", "never remove what is in the logs, for campaigns that read all of it afterwards; disks fill", truth(func(c *Config) *bool { return &c.RetainLogs })},
	{"live-actors", "50000", "actors kept decoded; the least recently used others are kept as bytes", integer(func(c *Config) *int { return &c.LiveActors })},

	{"rate-limit", "20", "requests a second of one connection; 0: no limit", number(func(c *Config) *float64 { return &c.RateLimit })},
	{"rate-burst", "40", "requests of one connection at once", integer(func(c *Config) *int { return &c.RateBurst })},
	{"origins", "", "origins that browsers may connect from, or *; none: the gateway's own", list(func(c *Config) *[]string { return &c.Origins })},
	{"start-balance", "", "what a new player has, such as gold=1000,gems=5", amounts(func(c *Config) *map[string]int64 { return &c.StartBalance })},
	{"catalog", "", "YAML file of products to put on offer if the cluster does not have them", text(func(c *Config) *string { return &c.Catalog })},
	{"zones", "", "YAML file of zones to open if the cluster does not have them", text(func(c *Config) *string { return &c.Zones })},
	{"play", auto, "serve the page to play on, at /play/, where anybody can take any name, and make what it needs; auto: with embedded servers only", truthOr(func(c *Config) *bool { return &c.Play }, (*Config).Embedded)},

	{"auth-secret-file", "", "file with the HS256 secret of players' tokens; none: one is made in the data folder", text(func(c *Config) *string { return &c.AuthSecretFile })},
	{"auth-public-key-file", "", "PEM file with the Ed25519 public key of players' tokens", text(func(c *Config) *string { return &c.AuthPublicKeyFile })},
	{"auth-issuer", "", "issuer that players' tokens must name", text(func(c *Config) *string { return &c.AuthIssuer })},
	{"auth-audience", "", "audience that players' tokens must name", text(func(c *Config) *string { return &c.AuthAudience })},
	{"admin-token-file", "", "file with the operators' bearer token; none: one is made in the data folder", text(func(c *Config) *string { return &c.AdminTokenFile })},

	{"record", "", "folder to record what clients send and are sent in, from the start; none: only ctl record start does, in tapes in the data folder", text(func(c *Config) *string { return &c.Record })},
	{"record-players", "false", "name players by their ids in recordings, not by keyed hashes", truth(func(c *Config) *bool { return &c.RecordPlayers })},
	{"record-bytes", "17179869184", "bytes after which a recording ends by itself; 0: none", integer(func(c *Config) *int { return &c.RecordBytes })},
	{"record-key-file", "", "file with the key of those hashes; none: one is made in the data folder", text(func(c *Config) *string { return &c.RecordKeyFile })},

	{"drain-timeout", "10s", "how long a node may take to hand its work over when it is stopped", duration(func(c *Config) *time.Duration { return &c.DrainTimeout })},
	{"log-level", "info", "debug, info, warn or error", level(func(c *Config) *slog.Level { return &c.LogLevel })},
	{"log-format", "text", "text or json", text(func(c *Config) *string { return &c.LogFormat })},
}

// notInNames are the characters of a host name that a node name cannot have.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// defaultNode is the host's name.
func defaultNode() string {
	host, err := os.Hostname()
	if err != nil {
		return "node"
	}
	name := strings.Trim(notInNames.ReplaceAllString(host, "-"), "-_")
	if len(name) > 63 {
		name = name[:63]
	}
	if name == "" {
		return "node"
	}
	return name
}

func text(field func(*Config) *string) func(*Config, any) error {
	return func(c *Config, value any) error {
		switch v := value.(type) {
		case string:
			*field(c) = v
		case int, int64, float64, bool:
			*field(c) = fmt.Sprint(v) // YAML takes a node called 7 for a number
		default:
			return fmt.Errorf("must be a text, not %s", kindOf(value))
		}
		return nil
	}
}

func list(field func(*Config) *[]string) func(*Config, any) error {
	return func(c *Config, value any) error {
		var all []string
		switch v := value.(type) {
		case string:
			all = strings.Split(v, ",")
		case []any:
			for _, item := range v {
				s, ok := item.(string)
				if !ok {
					return fmt.Errorf("must be a list of texts, not of %s", kindOf(item))
				}
				all = append(all, s)
			}
		default:
			return fmt.Errorf("must be a list of texts, not %s", kindOf(value))
		}
		*field(c) = nil
		for _, s := range all {
			if s = strings.TrimSpace(s); s != "" {
				*field(c) = append(*field(c), s)
			}
		}
		return nil
	}
}

func integer(field func(*Config) *int) func(*Config, any) error {
	return func(c *Config, value any) (err error) {
		switch v := value.(type) {
		case int:
			*field(c) = v
		case string:
			if *field(c), err = strconv.Atoi(v); err != nil {
				return fmt.Errorf("%q, must be a whole number", v)
			}
		default:
			return fmt.Errorf("must be a whole number, not %s", kindOf(value))
		}
		return nil
	}
}

func number(field func(*Config) *float64) func(*Config, any) error {
	return func(c *Config, value any) (err error) {
		switch v := value.(type) {
		case int:
			*field(c) = float64(v)
		case float64:
			*field(c) = v
		case string:
			if *field(c), err = strconv.ParseFloat(v, 64); err != nil {
				return fmt.Errorf("%q, must be a number", v)
			}
		default:
			return fmt.Errorf("must be a number, not %s", kindOf(value))
		}
		return nil
	}
}

func truth(field func(*Config) *bool) func(*Config, any) error {
	return func(c *Config, value any) (err error) {
		switch v := value.(type) {
		case bool:
			*field(c) = v
		case string:
			if *field(c), err = strconv.ParseBool(v); err != nil {
				return fmt.Errorf("%q, must be true or false", v)
			}
		default:
			return fmt.Errorf("must be true or false, not %s", kindOf(value))
		}
		return nil
	}
}

// auto is the value of a switch that nobody has set.
const auto = "auto"

// truthOr is a truth that, unless it is given, follows from the settings that
// stand before it.
func truthOr(field func(*Config) *bool, otherwise func(*Config) bool) func(*Config, any) error {
	given := truth(field)
	return func(c *Config, value any) error {
		if value == auto {
			*field(c) = otherwise(c)
			return nil
		}
		return given(c, value)
	}
}

func duration(field func(*Config) *time.Duration) func(*Config, any) error {
	return func(c *Config, value any) (err error) {
		v, ok := value.(string)
		if ok {
			*field(c), err = time.ParseDuration(v)
		}
		if !ok || err != nil {
			return fmt.Errorf("%v, must be a duration such as 3s", value)
		}
		return nil
	}
}

func level(field func(*Config) *slog.Level) func(*Config, any) error {
	return func(c *Config, value any) error {
		v, ok := value.(string)
		if !ok || oneOf(v, "debug", "info", "warn", "error") != nil {
			return fmt.Errorf("%v, must be debug, info, warn or error", value)
		}
		return field(c).UnmarshalText([]byte(v))
	}
}

// amounts is name=number pairs, or a map in YAML.
func amounts(field func(*Config) *map[string]int64) func(*Config, any) error {
	return func(c *Config, value any) error {
		all := make(map[string]int64)
		switch v := value.(type) {
		case string:
			for pair := range strings.SplitSeq(v, ",") {
				if pair = strings.TrimSpace(pair); pair == "" {
					continue
				}
				name, digits, _ := strings.Cut(pair, "=")
				n, err := strconv.ParseInt(digits, 10, 64)
				if err != nil {
					return fmt.Errorf("%q, must be like gold=1000", pair)
				}
				if _, twice := all[name]; twice {
					return fmt.Errorf("%s is given twice", name)
				}
				all[name] = n
			}
		case map[string]any:
			for name, amount := range v {
				n, ok := amount.(int)
				if !ok {
					return fmt.Errorf("%s: must be a whole number, not %s", name, kindOf(amount))
				}
				all[name] = int64(n)
			}
		default:
			return errors.New("must be like gold=1000, or a map")
		}
		*field(c) = all
		return nil
	}
}

// kindOf names what YAML made of a value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "empty"
	case string:
		return "a text"
	case bool:
		return "a yes or no"
	case int, int64, uint64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return fmt.Sprintf("a %T", value)
	}
}
