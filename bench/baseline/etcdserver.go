package baseline

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// etcdServer is a single member of etcd, the one that is built into this program,
// alone in a process but for a NATS server that nobody talks to.
type etcdServer struct {
	// racers is how many purchases its gateway has under way; 0: all that come.
	racers int64
}

func (etcdServer) missing() error { return nil }

func (etcdServer) start(ctx context.Context, folder string, command []string) (*launch.Process, access, error) {
	p, err := launch.Start(command, "dev", "--data", filepath.Join(folder, "data"))
	if err != nil {
		return nil, access{}, err
	}
	// What nodes would be started with: --etcd URL --nats URL
	line, err := firstLine(ctx, p)
	if err != nil {
		return p, access{}, err
	}
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "--etcd" {
		return p, access{}, fmt.Errorf("etcd's address is not in %q", line)
	}
	return p, access{Address: strings.TrimPrefix(words[1], "http://")}, nil
}

func (etcdServer) prepare(context.Context, access) error { return nil }

func (s etcdServer) open(_ context.Context, a access) (Store, error) {
	return newEtcdStore(a, s.racers)
}
