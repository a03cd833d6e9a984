package peer

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

const (
	// protocolVersion is that of proto/cluster/v1/peer.proto.
	protocolVersion = 1

	// receiverID is the process that envelopes are addressed to, in protoactor's
	// terms. Nothing else on a node can be reached from outside.
	receiverID = "peer"

	// maxQueuedItems and maxQueuedBytes bound what waits for one peer. At 60,000
	// commands a second it is a quarter of a second's worth, which is more than
	// a healthy stream ever lags, and little enough that many dead peers cost no
	// memory worth naming. Past either bound an item is dropped and counted: its
	// sender sends it again.
	maxQueuedItems = 16_384
	maxQueuedBytes = 32 << 20

	// maxItemBytes bounds one item. The largest are audits; commands are bounded
	// far lower by the gateway. A larger item is dropped, a larger answer
	// replaced by an error.
	maxItemBytes = 8 << 20

	// An envelope is closed when it holds this much: large enough to amortise
	// the framing, small enough that the peer starts on it early.
	batchItems = 512
	batchBytes = 1 << 20

	// maxWireBytes is the limit for one gRPC message (the default of 4 MiB is
	// less than a batch that ends in a large item).
	maxWireBytes = batchBytes + maxItemBytes + 64<<10

	// staleAfter is how long something may wait for a peer that cannot be
	// reached. By then its sender has sent it again, so what is queued is
	// replaced by what comes next, and a peer that returns is not greeted by
	// seconds of old commands.
	staleAfter = time.Second

	// connectTimeout bounds one attempt to reach a peer and shake hands, dials
	// included. Longer than a call waits, so that it is not the limit there.
	connectTimeout = 5 * time.Second

	// Reconnecting starts fast, because a restarted peer should be served at
	// once, and stays fast enough to matter within a call's five seconds.
	redialFirst = 50 * time.Millisecond
	redialMax   = 500 * time.Millisecond
	dialTimeout = time.Second

	// idleAfter is when a link that nobody sends on is given up. Every
	// incarnation of a peer has its own address, so dead links must not stay.
	idleAfter = time.Minute

	// keepaliveTime is the shortest that gRPC allows a client.
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 2 * time.Second

	// flushTimeout bounds how long Stop waits for queues to empty and for peers
	// to have read what was sent.
	flushTimeout = 500 * time.Millisecond
)

// ErrStarted is returned by Start when the mesh is running.
var ErrStarted = errors.New("mesh is running")

// Config configures a Mesh.
type Config struct {
	// Listen is the host:port to accept peers on. Port 0 takes a free one, a new
	// one with every Start. Default "127.0.0.1:0".
	Listen string

	// Advertise is the address that peers are told: host:port, or a host alone
	// for the port that Listen got. Default: where Listen listens; it must be set
	// when Listen names no host or a wildcard address.
	Advertise string

	// Logger defaults to slog.Default().
	Logger *slog.Logger

	// Metrics may be nil.
	Metrics *Metrics
}

// Validate says what cannot work, and names the field.
func (c Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("Listen %q: must be host:port", c.Listen)
	}
	if c.Advertise == "" {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			return fmt.Errorf("Advertise: must be set when Listen (%q) is not an address that peers can dial", c.Listen)
		}
		return nil
	}
	if host, _ := splitAdvertise(c.Advertise); host == "" {
		return fmt.Errorf("Advertise %q: must be host or host:port", c.Advertise)
	} else if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("Advertise %q: is not an address that peers can dial", c.Advertise)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return c
}

// splitAdvertise takes host or host:port apart. The port is "" when there is
// none, or when it is 0.
func splitAdvertise(s string) (host, port string) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return s, ""
	}
	if port == "0" {
		port = ""
	}
	return host, port
}
