package tape

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func record(t testing.TB, cfg Config) *Recorder {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Key == nil {
		cfg.Key = testKey
	}
	r, err := NewRecorder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// tapes reads all tapes of a folder, by name.
func tapes(t testing.TB, dir string) (infos []Info, all [][]Record) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tape"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, f := range files {
		r, err := Open(f)
		if err != nil {
			t.Fatal(err)
		}
		records, err := readAll(r)
		if err != io.EOF {
			t.Fatalf("%s: %v", f, err)
		}
		infos, all = append(infos, r.Info()), append(all, records)
		r.Close()
	}
	return infos, all
}

func ping(t testing.TB, seq uint64) []byte {
	return encode(t, &clientv1.ClientFrame{Seq: seq, Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}})
}

func TestRecorder(t *testing.T) {
	dir := t.TempDir()
	r := record(t, Config{Dir: dir, Node: "n1", Build: "v9", Open: map[uint64]string{3: "carol", 2: "bob"}})
	now := time.Now()
	hello := encode(t, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "SECRET"}}})
	welcome := encode(t, &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{Player: "alice"}}})
	at := func(ms int) time.Time { return now.Add(time.Duration(ms) * time.Millisecond) }
	r.Opened(9, "alice", at(1))
	r.Received(9, hello, 77, at(2))
	r.Sent(9, welcome, len(welcome), at(4))
	r.Received(2, ping(t, 5), 4, at(3)) // a goroutine that was late
	r.Shown(1, []byte{0x5a, 0}, 40, at(5))
	r.Closed(9, at(6))
	r.Received(9, []byte{0xff}, 1, at(7)) // no frame
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.Received(2, hello, 77, at(8)) // after the end
	if err := r.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}

	infos, all := tapes(t, dir)
	if len(infos) != 1 {
		t.Fatalf("%d tapes", len(infos))
	}
	info, got := infos[0], all[0]
	if info.Node != "n1" || info.Build != "v9" || !info.Hashed || info.KeyID != NewNames(testKey).KeyID() || info.Part != 1 || !info.Ended {
		t.Errorf("info: %+v", info)
	}
	if d := time.Since(info.Started); d < 0 || d > time.Minute {
		t.Errorf("started %v ago", d)
	}
	first := got[2].At
	var lines []string
	for _, rec := range got {
		ms := (rec.At - first).Round(time.Millisecond) / time.Millisecond
		if rec.At == 0 {
			ms = -1
		}
		lines = append(lines, fmt.Sprintf("%d %s %d %s %d %d %d", ms, rec.Kind, rec.Conn, rec.Player, rec.Size, rec.Stream, rec.Viewers))
	}
	want := []string{
		"-1 opened 2 " + name("bob") + " 0 0 0", "-1 opened 3 " + name("carol") + " 0 0 0",
		"0 opened 9 " + name("alice") + " 0 0 0",
		"1 received 9  77 0 0",
		fmt.Sprintf("3 sent 9  %d 0 0", len(welcome)),
		"3 received 2  4 0 0",
		"4 shown 0  2 1 40",
		"5 closed 9  0 0 0",
		"6 received 9  1 0 0",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if bytes.Contains(got[3].Frame, []byte("SECRET")) || bytes.Contains(got[4].Frame, []byte("alice")) || len(got[8].Frame) > 0 {
		t.Errorf("kept: %q, %q, %q", got[3].Frame, got[4].Frame, got[8].Frame)
	}
	if s := r.Status(); s.On || s.Records != 9 || s.Files != 1 || s.Dropped != 0 || s.Bytes != info.Bytes || s.File == "" || s.Err != nil {
		t.Errorf("status: %+v", s)
	}
	if st, err := os.Stat(r.Status().File); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", st.Mode(), err)
	}
}

// Another file is begun when one is large, with those who are connected.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	r := record(t, Config{Dir: dir, MaxFileBytes: 100 << 10, Players: true})
	start := time.Now()
	r.Opened(1, "alice", start)
	r.Opened(2, "bob", start)
	r.Closed(2, start)
	noise := make([]byte, 1<<10)
	const frames = 3000
	for i := range frames {
		for j := range noise {
			noise[j] = byte(i * j * j >> 3)
		}
		frame := encode(t, &clientv1.ClientFrame{Seq: uint64(i + 1), Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Payload: noise}}})
		r.Received(1, frame, len(frame), start.Add(time.Duration(i)*time.Millisecond))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	infos, all := tapes(t, dir)
	if len(infos) < 3 || len(infos) != r.Status().Files {
		t.Fatalf("%d tapes, the status says %d", len(infos), r.Status().Files)
	}
	var seen int
	for i, info := range infos {
		if info.Part != i+1 || info.Recording != infos[0].Recording || !info.Ended || info.Hashed {
			t.Errorf("tape %d: %+v", i, info)
		}
		first := all[i][0]
		if first.Kind != Opened || first.Conn != 1 || first.Player != "alice" || first.At > time.Second {
			t.Errorf("tape %d begins with %+v", i, first)
		}
		for _, rec := range all[i] {
			if rec.Kind != Received {
				continue
			}
			want := start.Add(time.Duration(seen) * time.Millisecond)
			if got := info.Started.Add(rec.At); got.Sub(want).Abs() > time.Millisecond {
				t.Fatalf("tape %d: frame %d at %v, want %v", i, seen, got, want)
			}
			seen++
		}
		if i > 0 && slices.ContainsFunc(all[i], func(r Record) bool { return r.Conn == 2 }) {
			t.Errorf("tape %d has a connection that had ended", i)
		}
	}
	if seen != frames {
		t.Errorf("%d frames of %d", seen, frames)
	}
}

// slowDisk lets a file be written only as it is told.
type slowDisk struct {
	begun chan struct{} // a write waits
	go_   chan error
	file  bytes.Buffer
}

func (d *slowDisk) Write(p []byte) (int, error) {
	d.begun <- struct{}{}
	if err := <-d.go_; err != nil {
		return 0, err
	}
	return d.file.Write(p)
}

// A disk that is too slow costs records and not time, and the tape says so where
// they are missing.
func TestSlowDisk(t *testing.T) {
	disk := &slowDisk{begun: make(chan struct{}, 100), go_: make(chan error)}
	cfg := Config{Queue: 4 * chunkBytes}
	cfg.create = func(_ string, h Header) (*Writer, error) {
		w := &Writer{out: &disk.file, enc: newEncoder()}
		p, _ := appendPreamble(nil, &h)
		err := w.write(p)
		w.out = disk
		return w, err
	}
	r := record(t, cfg)
	now := time.Now()
	frame := encode(t, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Payload: make([]byte, 1<<10)}}})
	send := func(n int) {
		for range n {
			r.Received(1, frame, len(frame), now)
		}
	}
	send(2 * chunkBytes / len(frame)) // a block is written, or is going to be
	<-disk.begun
	const storm = 20 * chunkBytes / (1 << 10)
	send(storm) // nobody waits
	r.Opened(2, "bob", now)
	disk.go_ <- nil
	ended := make(chan error)
	go func() { ended <- r.Close() }()
	for open := true; open; {
		select {
		case <-disk.begun:
			disk.go_ <- nil
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			open = false
		}
	}
	reader := open(t, disk.file.Bytes())
	all, err := readAll(reader)
	if err != io.EOF {
		t.Fatal(err)
	}
	var received, lost uint64
	var bob bool
	for _, rec := range all {
		switch rec.Kind {
		case Received:
			received++
		case Dropped:
			lost += rec.Lost
		case Opened:
			bob = bob || rec.Conn == 2
		}
	}
	noted := uint64(storm + 2*chunkBytes/len(frame))
	s := r.Status()
	if received+lost != noted || lost < storm/2 || s.Dropped != lost || reader.Info().Dropped != lost {
		t.Errorf("%d of %d are there, %d lost; the status says %+v", received, noted, lost, s)
	}
	if !bob {
		t.Error("who came meanwhile is not known")
	}
}

// When the disk fails, the recording ends, and the gateway does not.
func TestBrokenDisk(t *testing.T) {
	broken := errors.New("the disk is gone")
	disk := &slowDisk{begun: make(chan struct{}, 100), go_: make(chan error, 100)}
	disk.go_ <- nil // the preamble
	for range 99 {
		disk.go_ <- broken
	}
	r := record(t, Config{create: func(_ string, h Header) (*Writer, error) { return NewWriter(disk, h) }})
	<-disk.begun
	frame := encode(t, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Call{Call: &clientv1.Call{Payload: make([]byte, 1<<10)}}})
	for i := range 1000 {
		r.Received(1, frame, len(frame), time.Now())
		if i == 600 {
			<-disk.begun
		}
	}
	if err := r.Close(); !errors.Is(err, broken) {
		t.Errorf("ended by %v", err)
	}
	if s := r.Status(); s.On || r.On() || !errors.Is(s.Err, broken) {
		t.Errorf("status: %+v", s)
	}
}

func TestMaxBytes(t *testing.T) {
	dir := t.TempDir()
	r := record(t, Config{Dir: dir, MaxFileBytes: 10 << 10, MaxBytes: 30 << 10})
	frame := make([]byte, 0, 200)
	for i := range 50_000 {
		frame = append(frame[:0], ping(t, uint64(i)*0x9E3779B97F4A7C15)...)
		r.Received(uint64(i)*7919, frame, len(frame), time.Now())
	}
	if err := r.Close(); !errors.Is(err, ErrFull) {
		t.Errorf("ended by %v, %+v", err, r.Status())
	}
	tapes(t, dir) // all whole
}

func TestConfigValidate(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Dir":          {Key: testKey},
		"Key":          {Dir: "x"},
		"Node":         {Dir: "x", Key: testKey, Node: "../n1"},
		"MaxFileBytes": {Dir: "x", Key: testKey, MaxFileBytes: -1},
		"MaxBytes":     {Dir: "x", Key: testKey, MaxBytes: -1},
		"Queue":        {Dir: "x", Players: true, Queue: -1},
	} {
		if _, err := NewRecorder(cfg); err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := NewRecorder(Config{Dir: filepath.Join(os.DevNull, "x"), Key: testKey}); err == nil {
		t.Error("a folder that cannot be: no error")
	}
}

func TestDeck(t *testing.T) {
	d, dir, now := NewDeck(), t.TempDir(), time.Now()
	d.Opened(1, "alice", now)
	d.Opened(2, "bob", now)
	d.Received(1, ping(t, 1), 4, now)
	d.Closed(2, now)
	if _, err := d.Stop(); !errors.Is(err, ErrNotRecording) || d.On() || d.Status().On {
		t.Errorf("before: %v, %t", err, d.On())
	}
	if err := d.Start(Config{Dir: dir}); err == nil {
		t.Error("without a key: no error")
	}
	for i := range 2 {
		if err := d.Start(Config{Dir: dir, Key: testKey}); err != nil {
			t.Fatal(err)
		}
		if err := d.Start(Config{Dir: dir, Key: testKey}); !errors.Is(err, ErrRecording) {
			t.Errorf("a second one: %v", err)
		}
		d.Received(1, ping(t, 2), 4, time.Now())
		d.Sent(1, ping(t, 2), 4, time.Now())
		d.Shown(1, ping(t, 2), 4, time.Now())
		if s, err := d.Stop(); err != nil || s.On || s.Files != 1 || s.Records != uint64(4+i) || !reflect.DeepEqual(d.Status(), s) {
			t.Errorf("stopped: %+v, %v", s, err)
		}
		d.Opened(3, "carol", time.Now())
	}
	infos, all := tapes(t, dir)
	if len(infos) != 2 || infos[0].Recording == infos[1].Recording {
		t.Fatalf("%d tapes: %+v", len(infos), infos)
	}
	for _, records := range all {
		if records[0].Kind != Opened || records[0].Conn != 1 || slices.ContainsFunc(records, func(r Record) bool { return r.Conn == 2 }) {
			t.Errorf("got %+v", records)
		}
	}
}

// While a slow disk takes what is left of a recording, players come and go.
func TestDeckStopsWithoutTheGateway(t *testing.T) {
	disk := &slowDisk{begun: make(chan struct{}, 100), go_: make(chan error)}
	d := NewDeck()
	go func() { disk.go_ <- nil }() // the preamble
	if err := d.Start(Config{Dir: t.TempDir(), Key: testKey, create: func(_ string, h Header) (*Writer, error) { return NewWriter(disk, h) }}); err != nil {
		t.Fatal(err)
	}
	<-disk.begun
	d.Received(1, ping(t, 1), 4, time.Now())
	stopped := make(chan error)
	go func() {
		_, err := d.Stop()
		stopped <- err
	}()
	<-disk.begun // the block, or the index: Stop waits for it
	came := make(chan struct{})
	go func() {
		d.Opened(2, "bob", time.Now())
		close(came)
	}()
	select {
	case <-came:
	case <-stopped:
		t.Error("the recording was stopped before anything was written")
	case <-time.After(10 * time.Second):
		t.Error("nobody can come while the recording is stopped")
	}
	for {
		select {
		case disk.go_ <- nil:
		case err := <-stopped:
			if err != nil || d.On() || d.Status().Files != 1 {
				t.Errorf("got %v, %+v", err, d.Status())
			}
			return
		}
	}
}

// Gateways have many goroutines, and operators switch as they like.
func TestDeckUnderFire(t *testing.T) {
	d, dir := NewDeck(), t.TempDir()
	var gateways sync.WaitGroup
	stop := make(chan struct{})
	for g := range uint64(4) {
		gateways.Go(func() {
			frame := ping(t, g)
			for conn := g; ; conn += 4 {
				select {
				case <-stop:
					return
				default:
				}
				d.Opened(conn, "p", time.Now())
				if d.On() {
					d.Received(conn, frame, 4, time.Now())
					d.Sent(conn, frame, 4, time.Now())
				}
				d.Closed(conn, time.Now())
			}
		})
	}
	large := make([]byte, chunkBytes/4) // so that it is not waited for a tick
	for range 8 {
		if err := d.Start(Config{Dir: dir, Key: testKey}); err != nil {
			t.Fatal(err)
		}
		for d.Status().Records < 100 {
			d.Shown(1, large, 1, time.Now())
		}
		if s, err := d.Stop(); err != nil || s.Err != nil {
			t.Fatal(err, s.Err)
		}
	}
	close(stop)
	gateways.Wait()
	_, all := tapes(t, dir)
	for _, records := range all {
		open := make(map[uint64]bool)
		for _, rec := range records {
			if rec.Kind == Dropped {
				break // so much that not even who came could be noted
			}
			switch rec.Kind {
			case Opened:
				open[rec.Conn] = true
			case Closed:
				if !open[rec.Conn] {
					t.Fatalf("connection %d is closed before it was opened", rec.Conn)
				}
				delete(open, rec.Conn)
			case Received, Sent:
				if !open[rec.Conn] {
					t.Fatalf("connection %d was never opened", rec.Conn)
				}
			}
		}
	}
}

func TestNotingAllocatesNothing(t *testing.T) {
	r := record(t, Config{})
	frame, now := ping(t, 1), time.Now()
	if n := testing.AllocsPerRun(10_000, func() { r.Received(1, frame, len(frame), now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkReceived is what a gateway pays for one frame: the writing goes on in
// another goroutine, and here it takes no time.
func BenchmarkReceived(b *testing.B) {
	r := &Recorder{queue: newQueue(time.Now(), defaultQueue)}
	stop, stopped := make(chan struct{}), make(chan struct{})
	var lost uint64
	go func() {
		defer close(stopped)
		for {
			select {
			case <-r.queue.wake:
			case <-stop:
				return
			}
			chunks, n, _ := r.queue.take(nil)
			lost += n
			for _, c := range chunks {
				r.queue.give(c)
			}
		}
	}()
	var d Deck
	d.rec.Store(r)
	frame := encode(b, &clientv1.ClientFrame{Seq: 1000, Body: &clientv1.ClientFrame_Buy{Buy: &clientv1.Buy{Request: 1000, Sku: "sword-of-dawn", Quantity: 1}}})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		d.Received(1, frame, len(frame), now)
	}
	close(stop)
	<-stopped
	b.ReportMetric(float64(lost)/float64(b.N), "lost/op")
}

// BenchmarkWritten is what the writing of one frame costs, in another goroutine.
func BenchmarkWritten(b *testing.B) {
	w, err := NewWriter(io.Discard, testHeader)
	if err != nil {
		b.Fatal(err)
	}
	r := &Recorder{tape: w, open: map[uint64]string{1: "alice"}, redactor: redactor{names: NewNames(testKey)}}
	r.cfg.MaxFileBytes = 1 << 60
	bought := encode(b, &clientv1.ServerFrame{Seq: 1000, Body: &clientv1.ServerFrame_Bought{Bought: &clientv1.Bought{Balance: 9,
		Order: &clientv1.Order{Id: "alice/1000", Request: 1000, Sku: "sword-of-dawn", Quantity: 1, Price: 250, Currency: "gold", State: clientv1.OrderState_ORDER_STATE_GRANTED}}}})
	n := noted{kind: Sent, id: 1, size: len(bought), body: bought}
	b.ReportAllocs()
	for b.Loop() {
		n.at += 12_345
		bought[1]++ // of the seq
		bought[1] |= 0x80
		if err := r.write(&n); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(w.Size())/float64(b.N), "B/record")
}
