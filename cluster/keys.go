package cluster

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// keys spells the keys under one prefix.
type keys struct{ prefix string }

const (
	dirNodes       = "/nodes/"
	dirOwners      = "/owners/"
	dirShards      = "/shards/"
	dirAssignments = "/assignments/"
	dirCatalog     = "/catalog/"
	dirZones       = "/zones/"
	dirLoads       = "/loads/"
	dirDrained     = "/drained/"
	keyCoordinator = "/coordinator"
	keyCluster     = "/cluster"
	keyWeights     = "/weights"
	keyRebalance   = "/rebalance"
)

func (k keys) all() string                 { return k.prefix + "/" }
func (k keys) cluster() string             { return k.prefix + keyCluster }
func (k keys) coordinator() string         { return k.prefix + keyCoordinator }
func (k keys) node(n NodeName) string      { return k.prefix + dirNodes + string(n) }
func (k keys) owners() string              { return k.prefix + dirOwners }
func (k keys) owner(s ShardID) string      { return k.owners() + s.String() }
func (k keys) shards() string              { return k.prefix + dirShards }
func (k keys) shard(s ShardID) string      { return k.shards() + s.String() }
func (k keys) assignment(s ShardID) string { return k.prefix + dirAssignments + s.String() }
func (k keys) load(n NodeName) string      { return k.prefix + dirLoads + string(n) }
func (k keys) drained(n NodeName) string   { return k.prefix + dirDrained + string(n) }
func (k keys) weights() string             { return k.prefix + keyWeights }
func (k keys) rebalance() string           { return k.prefix + keyRebalance }
func (k keys) product(sku string) string   { return k.prefix + dirCatalog + sku }
func (k keys) zone(name string) string     { return k.prefix + dirZones + name }

// split returns the folder of a key, with its slashes, and the name in it. The
// folder of a key that stands alone is the key.
func (k keys) split(key string) (dir, name string) {
	rest := strings.TrimPrefix(key, k.prefix)
	if i := strings.IndexByte(rest[min(1, len(rest)):], '/'); i >= 0 {
		return rest[:i+2], rest[i+2:]
	}
	return rest, ""
}

// parseShard reads the name of a key as the number of one of n shards.
func parseShard(name string, n int) (ShardID, bool) {
	v, err := strconv.ParseUint(name, 10, 32)
	if err != nil || v >= uint64(n) || strconv.FormatUint(v, 10) != name {
		return 0, false
	}
	return ShardID(v), true
}

// validName keeps node names fit for keys, stream names and metric labels.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// incarnationOf names the life of node n that holds lease id.
func incarnationOf(n NodeName, id LeaseID) Incarnation {
	return Incarnation(fmt.Sprintf("%s-%x", n, int64(id)))
}

// encode writes a value. Its bytes differ between builds for equal messages,
// so values are compared by mod-revision, or decoded.
func encode(m proto.Message) string {
	b, err := protojson.Marshal(m)
	if err != nil {
		// Only a string that is not UTF-8 gets here, and those are refused
		// where they come in.
		panic(fmt.Sprintf("cluster: encode %T: %v", m, err))
	}
	return string(b)
}

// decode reads a value. Fields of a later version are skipped, not an error.
func decode(b []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}
