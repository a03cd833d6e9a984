package journal

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A disk that is full below every limit stops the server from writing to the
// stream for good. When there is room and it was started again, the log is what
// was acknowledged, and goes on.
func TestALogOnADiskThatWasFull(t *testing.T) {
	dir := smallDisk(t, 12<<20)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := serverOptions(dir, server.RANDOM_PORT)
	opts.JetStreamMaxStore = 1 << 30 // more than there is
	s := runServer(t, opts)
	js := connect(t, s)
	ctx := testContext(t)
	l := openLog(t, js, testConfig())
	big := Record{Shard: 1, Epoch: 1, Kind: "player", ID: "p", Event: bytes.Repeat([]byte{7}, 100<<10)}
	var acknowledged Stamp
	var end Stamp
	for err := error(nil); err == nil; big.Seq++ {
		acknowledged = l.Durable()
		var aErr error
		if end, aErr = l.Append(AppendRecord(nil, &big), 1); aErr != nil {
			t.Fatal(aErr)
		}
		patient, cancel := context.WithTimeout(ctx, time.Second)
		err = l.Wait(patient, end)
		cancel()
	}
	if l.Full() {
		t.Error("the log takes a server that does not answer for one that is full")
	}
	t.Logf("%d records of %d KiB were acknowledged", acknowledged, len(big.Event)>>10)
	port := s.Addr().(*net.TCPAddr).Port
	stopServer(s)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	opts = serverOptions(dir, port)
	opts.JetStreamMaxStore = 1 << 30
	runServer(t, opts)
	if err := l.Wait(ctx, end); err != nil {
		t.Fatalf("the log does not go on: %v", err)
	}
	seq := uint64(0)
	if _, _, err := Scan(ctx, js, testConfig().Name, 1, 0, func(e *Entry) error {
		for _, r := range e.Records {
			if r.Seq != seq {
				t.Errorf("record %d where %d should be", r.Seq, seq)
			}
			seq++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if seq != uint64(end) {
		t.Errorf("the log has %d records, %d were appended", seq, end)
	}
}

// A server that is told no limit chooses one below what its disk has, and says
// that it is full before the disk is.
func TestTheServersOwnLimitOnASmallDisk(t *testing.T) {
	js := connect(t, startServer(t, smallDisk(t, 12<<20), 0))
	ctx := testContext(t)
	l := openLog(t, js, testConfig())
	f := newFiller(t, js)
	f.fill()
	end := appendRecords(t, l, 0, 1)
	for !l.Full() {
		select {
		case <-ctx.Done():
			t.Fatal("the log was never told that the store is full")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := f.stream.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(ctx, end); err != nil {
		t.Fatal(err)
	}
}

// smallDisk is a file system of its own.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size="+strconv.Itoa(size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}
