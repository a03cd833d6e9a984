package baseline

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// postgresServer is PostgreSQL with its defaults, which sync every commit. It
// refuses to run as root: root runs it as postgresUser.
type postgresServer struct{}

// postgresUser is who packages make PostgreSQL's files belong to.
const postgresUser = "postgres"

// postgresPackaged is where Debian keeps the programs of each version.
const postgresPackaged = "/usr/lib/postgresql/*/bin"

// postgresPrograms is the folder with initdb and postgres, "" when there is none.
func postgresPrograms(packaged string) string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb)
	}
	found, _ := filepath.Glob(packaged) // the pattern is good
	if len(found) == 0 {
		return ""
	}
	version := func(bin string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // what is no number comes first
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
}

func (postgresServer) missing() error {
	if postgresPrograms(postgresPackaged) == "" {
		return errors.New("PostgreSQL is not installed: apt-get install postgresql, or https://www.postgresql.org")
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if _, err := user.Lookup(postgresUser); err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and there is no user %q to run it as", postgresUser)
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		return errors.New("PostgreSQL does not run as root, and there is no setpriv to become another user: apt-get install util-linux")
	}
	return nil
}

func (postgresServer) start(ctx context.Context, folder string, _ []string) (*launch.Process, access, error) {
	host, port, err := freePort()
	if err != nil {
		return nil, access{}, err
	}
	a := access{Address: net.JoinHostPort(host, port), Password: rand.Text()}
	home := filepath.Join(folder, "postgres")
	data, password := filepath.Join(home, "data"), filepath.Join(home, "password")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, access{}, fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(password, []byte(a.Password+"\n"), 0o600); err != nil {
		return nil, access{}, fmt.Errorf("write password: %w", err)
	}
	as, err := postgresOwner(folder, home, password)
	if err != nil {
		return nil, access{}, err
	}
	bin := postgresPrograms(postgresPackaged)
	initdb := slices.Concat(as, []string{filepath.Join(bin, "initdb"),
		"--pgdata", data, "--username", postgresDatabase, "--pwfile", password, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C", "--no-instructions"})
	c := exec.CommandContext(ctx, initdb[0], initdb[1:]...)
	c.Dir = home
	if out, err := c.CombinedOutput(); err != nil {
		return nil, access{}, fmt.Errorf("run initdb: %w:\n%s", err, out)
	}
	p, err := launch.Start(slices.Concat(as, []string{filepath.Join(bin, "postgres"),
		"-D", data, "-c", "listen_addresses=" + host, "-c", "port=" + port, "-c", "unix_socket_directories="}))
	return p, a, err
}

// postgresOwner returns what a command has to begin with to be run by whom
// PostgreSQL may be run by, and gives that user the files.
func postgresOwner(folder string, files ...string) (as []string, err error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(postgresUser)
	if err != nil {
		return nil, fmt.Errorf("find user for PostgreSQL: %w", err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("find user for PostgreSQL: %w", err)
	}
	// It has to get through to what is its own, and to see no more.
	errs := []error{os.Chmod(folder, 0o711)}
	for _, name := range files {
		errs = append(errs, os.Chown(name, uid, gid))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("give PostgreSQL its folder: %w", err)
	}
	return []string{"setpriv", "--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--"}, nil
}

func (postgresServer) prepare(ctx context.Context, a access) error {
	store, err := newPostgresStore(ctx, a)
	if err != nil {
		return err
	}
	return errors.Join(store.createTables(ctx), store.Close())
}

func (postgresServer) open(ctx context.Context, a access) (Store, error) {
	return newPostgresStore(ctx, a)
}
