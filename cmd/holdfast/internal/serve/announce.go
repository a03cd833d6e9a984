package serve

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/datadir"
)

const (
	// readyPoll is how often the node is asked whether it is ready. It starts
	// once in a life, so nothing finer is worth an event.
	readyPoll = 20 * time.Millisecond

	// adminPatience bounds how long an operator's last call may take at the end.
	adminPatience = time.Second
)

// announce waits until the node is ready, says so, makes what the files and the
// page want there to be, and takes its word back when ctx is done.
func (n *node) announce(ctx context.Context) error {
	if !n.awaitReady(ctx) {
		return nil
	}
	file := datadir.NodeFile{
		Admin: n.operators.Addr().String(), PID: os.Getpid(),
		SecretFile: n.keys.secretFile, AdminTokenFile: n.keys.adminTokenFile,
		Etcd: strings.Join(n.cfg.Etcd, ","), NATS: strings.Join(n.cfg.NATS, ","), Prefix: n.cfg.Prefix,
	}
	if n.clients != nil {
		file.Listen = n.clients.Addr().String()
	}
	if err := n.dir.WriteNodeFile(file); err != nil {
		return err
	}
	n.logger.Info("ready", "node", n.cfg.Node, "listen", file.Listen, "admin", file.Admin,
		"data", n.dir.Path(), "embedded", n.cfg.Embedded())
	if n.crowdedAt > 0 {
		n.logger.Warn("the limit of open files bounds how many clients there can be", "clients", n.crowdedAt)
	}
	n.offer(ctx, n.goods)
	n.openZones(ctx, n.zones)
	n.furnish(ctx)
	<-ctx.Done()
	return n.dir.RemoveNodeFile()
}

func (n *node) awaitReady(ctx context.Context) bool {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for n.ready() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
