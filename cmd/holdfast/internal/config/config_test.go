package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// load loads as serve does; yaml is the file's content, none when empty.
func load(t *testing.T, yaml string, environ []string, args ...string) (*Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	AddFlags(flags)
	if yaml != "" {
		name := filepath.Join(t.TempDir(), "holdfast.yaml")
		if err := os.WriteFile(name, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, environ)
}

func TestPrecedence(t *testing.T) {
	const yaml = "node: from-file\n"
	env := []string{"HOLDFAST_NODE=from-env", "PATH=/bin"}
	for name, tc := range map[string]struct {
		yaml         string
		env          []string
		args         []string
		want, source string
	}{
		"default":           {"", nil, nil, defaultNode(), "default"},
		"file":              {yaml, nil, nil, "from-file", "holdfast.yaml"},
		"environment":       {yaml, env, nil, "from-env", "HOLDFAST_NODE"},
		"flag":              {yaml, env, []string{"--node", "from-flag"}, "from-flag", "--node"},
		"flag like default": {yaml, env, []string{"--node", defaultNode()}, defaultNode(), "--node"},
		"somebody's": {"", []string{"HOLDFAST_SERVICE_HOST=10.0.0.1", "HOLDFAST_NODE=a.b"}, []string{"--node=b"},
			"b", "--node"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, tc.yaml, tc.env, tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			if c.Node != tc.want || !strings.HasSuffix(c.sources["node"], tc.source) {
				t.Errorf("node %q from %s, want %q from %s", c.Node, c.sources["node"], tc.want, tc.source)
			}
		})
	}
}

func TestFileNamedByEnvironment(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(name, []byte("node: from-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, "", []string{"HOLDFAST_CONFIG=" + name})
	if err != nil || c.Node != "from-file" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestEverySettingInEverySource(t *testing.T) {
	want := Config{
		Data: "/d", Node: "n7", Roles: []string{"shard"},
		Listen: ":1", Admin: "127.0.0.1:2", Peer: "0.0.0.0:3", PeerAdvertise: "h:3",
		Etcd: []string{"http://a:1", "http://b:1"}, NATS: []string{"nats://c:2"}, Prefix: "/p",
		Shards: 16, LeaseTTL: 5 * time.Second, Replicas: 3,
		CheckpointEvery: time.Minute, CheckpointBytes: 1 << 20, RetainLogs: true, LiveActors: 77,
		RateLimit: 2.5, RateBurst: 9, Origins: []string{"https://g.example"},
		StartBalance: map[string]int64{"gold": 10, "gems": 2}, Catalog: "c.yaml", Zones: "z.yaml", Play: true,
		AuthSecretFile: "s", AuthIssuer: "i", AuthAudience: "u", AdminTokenFile: "t",
		RecordPlayers: true, RecordBytes: 5, RecordKeyFile: "k",
		DrainTimeout: time.Second, LogLevel: slog.LevelWarn, LogFormat: "json",
	}
	values := map[string]string{
		"data": "/d", "node": "n7", "roles": "shard",
		"listen": ":1", "admin": "127.0.0.1:2", "peer": "0.0.0.0:3", "peer-advertise": "h:3",
		"etcd": "http://a:1, http://b:1", "nats": "nats://c:2", "prefix": "/p",
		"shards": "16", "lease-ttl": "5s", "replicas": "3",
		"checkpoint-every": "1m", "checkpoint-bytes": "1048576", "retain-logs": "true", "live-actors": "77",
		"rate-limit": "2.5", "rate-burst": "9", "origins": "https://g.example",
		"start-balance": "gold=10,gems=2", "catalog": "c.yaml", "zones": "z.yaml", "play": "true",
		"auth-secret-file": "s", "auth-public-key-file": "", "auth-issuer": "i", "auth-audience": "u", "admin-token-file": "t",
		"record": "", "record-players": "true", "record-bytes": "5", "record-key-file": "k",
		"drain-timeout": "1s", "log-level": "warn", "log-format": "json",
	}
	const yaml = `
data: /d
node: n7
roles: [shard]
listen: :1
admin: 127.0.0.1:2
peer: 0.0.0.0:3
peer-advertise: h:3
etcd: [http://a:1, http://b:1]
nats: nats://c:2
prefix: /p
shards: 16
lease-ttl: 5s
replicas: 3
checkpoint-every: 1m
checkpoint-bytes: 1048576
retain-logs: true
live-actors: 77
rate-limit: 2.5
rate-burst: 9
origins: ["https://g.example"]
start-balance: {gold: 10, gems: 2}
catalog: c.yaml
zones: z.yaml
play: true
auth-secret-file: s
auth-issuer: i
auth-audience: u
admin-token-file: t
record-players: true
record-bytes: 5
record-key-file: k
drain-timeout: 1s
log-level: warn
log-format: json
`
	if len(values) != len(settings) {
		t.Fatalf("%d settings are tested, there are %d", len(values), len(settings))
	}
	var env, args []string
	for _, s := range settings {
		env = append(env, variable(s.name)+"="+values[s.name])
		args = append(args, "--"+s.name+"="+values[s.name])
	}
	for name, got := range map[string]func() (*Config, error){
		"flags":       func() (*Config, error) { return load(t, "", nil, args...) },
		"environment": func() (*Config, error) { return load(t, "", env) },
		"file":        func() (*Config, error) { return load(t, yaml, nil) },
	} {
		c, err := got()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.sources = nil
		if !reflect.DeepEqual(*c, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, *c, want)
		}
	}
}

func TestYesNeedsNoValue(t *testing.T) {
	for arg, want := range map[string]bool{"--retain-logs": true, "--retain-logs=false": false, "--node=n": false} {
		c, err := load(t, "", nil, arg)
		if err != nil || c.RetainLogs != want {
			t.Errorf("%s: got %+v, %v, want RetainLogs %t", arg, c, err, want)
		}
	}
}

func TestPlayFollowsTheServers(t *testing.T) {
	own := []string{"--etcd=http://a:1", "--nats=nats://a:2"}
	for _, tc := range []struct {
		yaml string
		args []string
		want bool
	}{
		{want: true},
		{args: own, want: false},
		{args: append(own, "--play"), want: true},
		{args: []string{"--play=false"}, want: false},
		{yaml: "play: false", want: false},
		{yaml: "play: auto", args: own, want: false},
	} {
		if c, err := load(t, tc.yaml, nil, tc.args...); err != nil || c.Play != tc.want {
			t.Errorf("%q %q: got %+v, %v, want Play %t", tc.yaml, tc.args, c, err, tc.want)
		}
	}
}

func TestRefusalsNameTheSettingAndItsSource(t *testing.T) {
	for _, tc := range []struct {
		yaml string
		env  string
		arg  string
		want []string // in the error
	}{
		{arg: "--data=", want: []string{"data", "--data"}},
		{arg: "--node=a b", want: []string{"node", `"a b"`}},
		{env: "HOLDFAST_ROLES=gateway,miner", want: []string{"roles", "HOLDFAST_ROLES", `"miner"`}},
		{arg: "--roles=shard,shard", want: []string{"roles", "twice"}},
		{arg: "--roles=", want: []string{"roles", "none given"}},
		{yaml: "listen: 8080", want: []string{"listen", "holdfast.yaml", `"8080"`}},
		{arg: "--listen=:99999", want: []string{"listen", "65535"}},
		{arg: "--admin=nowhere", want: []string{"admin", "host:port"}},
		{arg: "--peer=:7000", want: []string{"peer-advertise", `":7000"`}},
		{arg: "--peer-advertise=0.0.0.0", want: []string{"peer-advertise", "0.0.0.0"}},
		{arg: "--etcd=localhost:2379", want: []string{"etcd", "http://host:port"}},
		{arg: "--etcd=http://a:1", want: []string{"nats", "together"}},
		{arg: "--nats=nats://a:1", want: []string{"nats", "together"}},
		{arg: "--prefix=holdfast", want: []string{"prefix", "slash"}},
		{arg: "--shards=-1", want: []string{"shards", "0 to 4096"}},
		{arg: "--shards=many", want: []string{"shards", `"many"`, "whole number"}},
		{yaml: "shards: [1]", want: []string{"shards", "not a list"}},
		{arg: "--lease-ttl=1s", want: []string{"lease-ttl", "2s"}},
		{yaml: "lease-ttl: 3", want: []string{"lease-ttl", "duration"}},
		{arg: "--replicas=2", want: []string{"replicas", "1, 3 or 5"}},
		{arg: "--replicas=3", want: []string{"replicas", "embedded"}},
		{arg: "--checkpoint-every=0s", want: []string{"checkpoint-every", "positive"}},
		{arg: "--checkpoint-bytes=1", want: []string{"checkpoint-bytes", "1048576"}},
		{arg: "--retain-logs=some", want: []string{"retain-logs", "true or false"}},
		{yaml: "retain-logs: 1", want: []string{"retain-logs", "not a number"}},
		{arg: "--play=perhaps", want: []string{"play", "true or false"}},
		{arg: "--live-actors=0", want: []string{"live-actors", "1 to"}},
		{env: "HOLDFAST_RATE_LIMIT=-1", want: []string{"rate-limit", "HOLDFAST_RATE_LIMIT"}},
		{arg: "--rate-limit=NaN", want: []string{"rate-limit", "NaN"}},
		{arg: "--rate-burst=0", want: []string{"rate-burst", "--rate-burst"}},
		{arg: "--origins=game.example", want: []string{"origins", `"game.example"`}},
		{arg: "--start-balance=gold", want: []string{"start-balance", "gold=1000"}},
		{arg: "--start-balance=gold=-1", want: []string{"start-balance", "negative"}},
		{arg: "--start-balance=gold=1,gold=2", want: []string{"start-balance", "twice"}},
		{yaml: "start-balance: {gold: much}", want: []string{"start-balance", "gold", "not a text"}},
		{yaml: "auth-secret-file: a\nauth-public-key-file: b", want: []string{"auth-public-key-file", "auth-secret-file"}},
		{yaml: "roles: [shard]\nrecord: tapes", want: []string{"record", "role gateway"}},
		{arg: "--record-players=bob", want: []string{"record-players", "true or false"}},
		{arg: "--record-bytes=-1", want: []string{"record-bytes", "-1"}},
		{arg: "--drain-timeout=0s", want: []string{"drain-timeout", "positive"}},
		{arg: "--log-level=loud", want: []string{"log-level", "loud"}},
		{arg: "--log-format=xml", want: []string{"log-format", "text or json"}},
		{yaml: "lisen: :80", want: []string{"unknown key", `"lisen"`, "holdfast.yaml"}},
		{yaml: "config: x.yaml", want: []string{"unknown key", `"config"`}},
		{yaml: "node:\n", want: []string{"node", "not empty"}},
		{yaml: "node: [", want: []string{"holdfast.yaml"}},
		{arg: "--config=/does/not/exist.yaml", want: []string{"config file", "/does/not/exist.yaml"}},
	} {
		t.Run(tc.arg+tc.env+tc.yaml, func(t *testing.T) {
			var args, env []string
			if tc.arg != "" {
				args = []string{tc.arg}
			}
			if tc.env != "" {
				env = []string{tc.env}
			}
			_, err := load(t, tc.yaml, env, args...)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}
