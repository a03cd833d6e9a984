package baseline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// redisServer is redis-server with an append-only file and its defaults.
type redisServer struct {
	fsync string // appendfsync
}

func (redisServer) missing() error {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("redis-server is not installed: apt-get install redis-server, or https://redis.io")
	}
	return nil
}

func (s redisServer) start(_ context.Context, folder string, _ []string) (*launch.Process, access, error) {
	host, port, err := freePort()
	if err != nil {
		return nil, access{}, err
	}
	a := access{Address: net.JoinHostPort(host, port), Password: rand.Text()}
	// In a file, for the password. Without `save` there is the append-only file and
	// nothing else, as with the other stores.
	config := fmt.Sprintf("bind %s\nport %s\nrequirepass %s\ndir %q\nappendonly yes\nappendfsync %s\nsave \"\"\n",
		host, port, a.Password, folder, s.fsync)
	file := filepath.Join(folder, "redis.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, access{}, fmt.Errorf("write configuration: %w", err)
	}
	p, err := launch.Start([]string{"redis-server"}, file)
	return p, a, err
}

func (s redisServer) prepare(ctx context.Context, a access) error {
	store := newRedisStore(a)
	return errors.Join(store.client.Ping(ctx).Err(), store.Close())
}

func (redisServer) open(_ context.Context, a access) (Store, error) { return newRedisStore(a), nil }

// freePort is a port on loopback that nobody uses at the moment.
func freePort() (host, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return net.SplitHostPort(l.Addr().String())
}
