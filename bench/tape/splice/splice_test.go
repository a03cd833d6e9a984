package splice

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/tape"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

var started = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

const (
	alice = "aaaaaaaaaaaa"
	bob   = "bbbbbbbbbbbb"
	carol = "cccccccccccc"
)

func header() tape.Header {
	return tape.Header{Started: started, Node: "n1", Build: "v1", Hashed: true, KeyID: "01234567", Recording: "r1", Part: 1}
}

func frame(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opened(ms int, conn uint64, player string) tape.Record {
	return tape.Record{At: at(ms), Kind: tape.Opened, Conn: conn, Player: player}
}

func closed(ms int, conn uint64) tape.Record {
	return tape.Record{At: at(ms), Kind: tape.Closed, Conn: conn}
}

func ping(t testing.TB, ms int, conn uint64) tape.Record {
	b := frame(t, &clientv1.ClientFrame{Seq: uint64(ms) + 1, Body: &clientv1.ClientFrame_Ping{Ping: &clientv1.Ping{}}})
	return tape.Record{At: at(ms), Kind: tape.Received, Conn: conn, Frame: b, Size: len(b)}
}

func shown(t testing.TB, ms int, stream uint32) tape.Record {
	b := frame(t, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: stream}}})
	return tape.Record{At: at(ms), Kind: tape.Shown, Stream: stream, Viewers: 3, Frame: b, Size: len(b)}
}

func at(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }

// session is alice, whom bob joins for a while; carol comes late.
func session(t testing.TB) []tape.Record {
	return []tape.Record{
		opened(0, 1, alice), ping(t, 10, 1), opened(20, 2, bob), ping(t, 30, 2), shown(t, 35, 7), ping(t, 40, 1),
		closed(50, 2), {At: at(55), Kind: tape.Dropped, Lost: 4}, opened(60, 3, carol), ping(t, 70, 3), ping(t, 80, 1), closed(90, 1),
	}
}

// create writes a tape and returns its path.
func create(t testing.TB, h tape.Header, records []tape.Record) string {
	t.Helper()
	path := fresh(t)
	err := write(path, h, func(w *tape.Writer) error {
		for i := range records {
			if err := w.Append(&records[i]); err != nil {
				return err
			}
			if i%4 == 3 {
				if err := w.Flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// fresh is a path where there is nothing yet.
func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "x.tape") }

func open(t testing.TB, path string) *tape.Reader {
	t.Helper()
	r, err := tape.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// story tells a tape, a line for each record.
func story(t testing.TB, path string) (tape.Info, string) {
	t.Helper()
	in := open(t, path)
	var lines []string
	err := each(in, func(r *tape.Record) error {
		line := fmt.Sprintf("%d %s", r.At.Milliseconds(), r.Kind)
		switch r.Kind {
		case tape.Opened:
			line += fmt.Sprintf(" %d %.1s", r.Conn, r.Player)
		case tape.Shown:
			f := new(clientv1.ServerFrame)
			if err := proto.Unmarshal(r.Frame, f); err != nil {
				return err
			}
			line += fmt.Sprintf(" %d=%d", r.Stream, f.GetWorld().GetStream())
		case tape.Dropped:
			line += fmt.Sprintf(" %d", r.Lost)
		default:
			line += fmt.Sprintf(" %d", r.Conn)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return in.Info(), strings.Join(lines, ", ")
}

func TestCut(t *testing.T) {
	whole := create(t, header(), session(t))
	for _, tc := range []struct {
		from, to int
		want     string
	}{
		{0, 0, "0 opened 1 a, 10 received 1, 20 opened 2 b, 30 received 2, 35 shown 7=7, 40 received 1, 50 closed 2, 55 dropped 4, 60 opened 3 c, 70 received 3, 80 received 1, 90 closed 1"},
		{30, 55, "0 opened 1 a, 0 opened 2 b, 0 received 2, 5 shown 7=7, 10 received 1, 20 closed 2"},
		{70, 0, "0 opened 1 a, 0 opened 3 c, 0 received 3, 10 received 1, 20 closed 1"},
		{0, 10, "0 opened 1 a"},
		{81, 85, ""},
	} {
		path := fresh(t)
		if err := Cut(open(t, whole), path, at(tc.from), at(tc.to)); err != nil {
			t.Fatal(err)
		}
		info, got := story(t, path)
		if got != tc.want {
			t.Errorf("%d to %d:\ngot  %s\nwant %s", tc.from, tc.to, got, tc.want)
		}
		if want := started.Add(at(tc.from)); !info.Started.Equal(want) || info.KeyID != "01234567" || !info.Ended {
			t.Errorf("%d to %d: %+v", tc.from, tc.to, info)
		}
	}
	for name, times := range map[string][2]int{"nothing between": {20, 20}, "the tape ends at": {91, 0}, "there is nothing": {-1, 0}} {
		path := fresh(t)
		if err := Cut(open(t, whole), path, at(times[0]), at(times[1])); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", times, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%v: there is a tape", times)
		}
	}
}

// What stands before a damage is used, and the damage is told.
func TestDamagedTape(t *testing.T) {
	whole := create(t, header(), session(t))
	file, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	bad := fresh(t)
	if err := os.WriteFile(bad, file[:len(file)-230], 0o600); err != nil {
		t.Fatal(err)
	}
	path := fresh(t)
	damage := new(tape.DamageError)
	if err := Cut(open(t, bad), path, 0, 0); !errors.As(err, &damage) {
		t.Errorf("cut: %v", err)
	}
	if _, got := story(t, path); got != "0 opened 1 a, 10 received 1, 20 opened 2 b, 30 received 2" &&
		!strings.HasPrefix(got, "0 opened 1 a, 10 received 1, 20 opened 2 b, 30 received 2, 35 shown 7=7") {
		t.Errorf("what was cut: %s", got)
	}
	s, err := Summarise(bad, open(t, bad))
	if err != nil || s.Damage == "" || s.Ended || s.Records == 0 {
		t.Errorf("summary: %+v, %v", s, err)
	}
	v, err := Verify(bad, open(t, bad))
	if err != nil || v.OK() || !strings.Contains(v.Problems[0], "damaged from byte") {
		t.Errorf("verdict: %+v, %v", v, err)
	}
}

func TestMergeParts(t *testing.T) {
	h := header()
	first := create(t, h, []tape.Record{opened(0, 1, alice), opened(1, 2, bob), ping(t, 10, 1), shown(t, 11, 7), closed(12, 2)})
	h.Started, h.Part = started.Add(at(20)), 2
	second := create(t, h, []tape.Record{opened(0, 1, alice), ping(t, 3, 1), shown(t, 4, 7), closed(5, 1)})
	path := fresh(t)
	if err := Merge([]*tape.Reader{open(t, second), open(t, first)}, path); err != nil {
		t.Fatal(err)
	}
	info, got := story(t, path)
	want := "0 opened 1 a, 1 opened 2 b, 10 received 1, 11 shown 7=7, 12 closed 2, 23 received 1, 24 shown 7=7, 25 closed 1"
	if got != want || info.Recording != "r1" || info.Part != 1 || info.Node != "n1" {
		t.Errorf("got  %s\nwant %s\n%+v", got, want, info)
	}
}

func TestMergeNodes(t *testing.T) {
	h := header()
	resync := frame(t, &clientv1.ClientFrame{Seq: 4, Body: &clientv1.ClientFrame_Resync{Resync: &clientv1.Resync{Stream: 7}}})
	gone := frame(t, &clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{9, 7}}}})
	one := create(t, h, []tape.Record{
		opened(0, 1, alice), ping(t, 10, 1), shown(t, 12, 7),
		{At: at(13), Kind: tape.Received, Conn: 1, Frame: resync}, {At: at(14), Kind: tape.Sent, Conn: 1, Frame: gone}, closed(30, 1),
	})
	h.Node, h.Recording, h.Started = "n2", "r2", started.Add(at(5))
	other := create(t, h, []tape.Record{opened(0, 1, bob), ping(t, 5, 1), shown(t, 7, 7), closed(8, 1), opened(9, 2, carol)})
	path := fresh(t)
	if err := Merge([]*tape.Reader{open(t, one), open(t, other)}, path); err != nil {
		t.Fatal(err)
	}
	info, got := story(t, path)
	want := "0 opened 1 a, 5 opened 2 b, 10 received 1, 10 received 2, 12 shown 1=1, 12 shown 2=2, 13 received 1, 13 closed 2, 14 sent 1, 14 opened 3 c, 30 closed 1"
	if got != want || info.Recording != "" || info.Node != "n1,n2" || !info.Started.Equal(started) {
		t.Errorf("got  %s\nwant %s\n%+v", got, want, info)
	}
	var streams []uint32
	err := each(open(t, path), func(r *tape.Record) error {
		c, s := new(clientv1.ClientFrame), new(clientv1.ServerFrame)
		switch r.At {
		case at(13):
			if r.Kind == tape.Received {
				streams = append(streams, c.GetResync().GetStream())
				err := proto.Unmarshal(r.Frame, c)
				streams[len(streams)-1] = c.GetResync().GetStream()
				return err
			}
		case at(14):
			if r.Kind == tape.Sent {
				err := proto.Unmarshal(r.Frame, s)
				streams = append(streams, s.GetWorldGone().GetStreams()...)
				return err
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(streams, []uint32{1, 3, 1}) {
		t.Errorf("streams %v, %v", streams, err)
	}
}

func TestMergeRefuses(t *testing.T) {
	a := create(t, header(), session(t))
	h := header()
	h.KeyID = "89abcdef"
	otherKey := create(t, h, nil)
	h.Hashed, h.KeyID = false, ""
	named := create(t, h, nil)
	for want, paths := range map[string][]string{"no tapes": {}, "different keys": {a, otherKey}, "by their ids": {a, named}} {
		var ins []*tape.Reader
		for _, p := range paths {
			ins = append(ins, open(t, p))
		}
		if err := Merge(ins, fresh(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Parts of one time are refused where they have the same connection, and merged
// where each has its own.
func TestMergeOfOneTime(t *testing.T) {
	whole := create(t, header(), session(t))
	halves := make([]string, 2)
	for i, player := range []string{alice, bob} {
		halves[i] = fresh(t)
		if err := Filter(open(t, whole), halves[i], []string{player}, false); err != nil {
			t.Fatal(err)
		}
	}
	again := fresh(t)
	if err := Cut(open(t, whole), again, at(40), 0); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		tapes []string
		want  error
	}{
		{"two players", halves, nil},
		{"twice", []string{whole, whole}, ErrTwice},
		{"a cut of it", []string{again, whole}, ErrTwice},
		{"a player of it", []string{whole, halves[1]}, ErrTwice},
	} {
		var ins []*tape.Reader
		for _, p := range tc.tapes {
			ins = append(ins, open(t, p))
		}
		path := fresh(t)
		if err := Merge(ins, path); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
		if _, err := os.Stat(path); (err == nil) != (tc.want == nil) {
			t.Errorf("%s: got %v for the new tape", tc.name, err)
		}
	}
}

func TestFilter(t *testing.T) {
	whole := create(t, header(), session(t))
	for _, tc := range []struct {
		players []string
		world   bool
		want    string
	}{
		{[]string{bob}, false, "20 opened 2 b, 30 received 2, 50 closed 2, 55 dropped 4"},
		{[]string{bob, carol}, true, "20 opened 2 b, 30 received 2, 35 shown 7=7, 50 closed 2, 55 dropped 4, 60 opened 3 c, 70 received 3"},
	} {
		path := fresh(t)
		if err := Filter(open(t, whole), path, tc.players, tc.world); err != nil {
			t.Fatal(err)
		}
		if _, got := story(t, path); got != tc.want {
			t.Errorf("%v:\ngot  %s\nwant %s", tc.players, got, tc.want)
		}
	}
	path := fresh(t)
	if err := Filter(open(t, whole), path, []string{"alice", bob}, false); err == nil || !strings.Contains(err.Error(), "no player alice; it names players by hashes") {
		t.Errorf("nobody: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("nobody: there is a tape")
	}
}

func TestVerify(t *testing.T) {
	telling := frame(t, &clientv1.ClientFrame{Seq: 1, Body: &clientv1.ClientFrame_Hello{Hello: &clientv1.Hello{Token: "eyJ"}}})
	naming := frame(t, &clientv1.ServerFrame{Seq: 1, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{Player: "alice"}}})
	named := header()
	named.Hashed = false
	for _, tc := range []struct {
		name    string
		header  tape.Header
		records []tape.Record
		want    string // "": nothing is wrong
	}{
		{"a session", header(), session(t), ""},
		{"nothing", header(), nil, ""},
		{"a token", header(), []tape.Record{opened(0, 1, alice), {Kind: tape.Received, Conn: 1, Frame: telling}}, "holds what must not be kept"},
		{"a player's name", header(), []tape.Record{opened(0, 1, alice), {Kind: tape.Sent, Conn: 1, Frame: naming}}, "other than a hash"},
		{"a player's name where players have names", named, []tape.Record{opened(0, 1, "alice"), {Kind: tape.Sent, Conn: 1, Frame: naming}}, ""},
		{"who is not hashed", header(), []tape.Record{opened(0, 1, "alice")}, "other than a hash"},
		{"a frame from nowhere", header(), []tape.Record{opened(0, 1, alice), ping(t, 1, 2)}, "connection 2 is not open"},
		{"a frame after the end", header(), []tape.Record{opened(0, 1, alice), closed(1, 1), ping(t, 2, 1)}, "connection 1 is not open"},
		{"twice the same", header(), []tape.Record{opened(0, 1, alice), opened(1, 1, bob)}, "connection 1 is open already"},
		{"what is no frame", header(), []tape.Record{opened(0, 1, alice), {Kind: tape.Received, Conn: 1, Frame: []byte{0xff}}}, "cannot be decoded"},
		{"a frame from nowhere after a gap", header(), []tape.Record{{Kind: tape.Dropped, Lost: 1}, ping(t, 1, 2)}, ""},
	} {
		path := create(t, tc.header, tc.records)
		v, err := Verify(path, open(t, path))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(v.Problems, "; ")
		if v.OK() != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// A recorder that was killed leaves a tape that can be read, and is not whole.
func TestVerifyUnended(t *testing.T) {
	path := create(t, header(), session(t))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const index = 8 + 3*36 + 8 + 12
	if err := os.WriteFile(path, file[:len(file)-index], 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(path, open(t, path))
	if err != nil || v.Records != 12 || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "not ended") {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestSummary(t *testing.T) {
	path := create(t, header(), session(t))
	s, err := Summarise("x", open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if s.Players != 3 || s.Connections != 3 || s.MostOpen != 2 || s.Records != 12 || s.Dropped != 4 || s.Seconds != 0.09 || !s.Ended {
		t.Errorf("got %+v", s)
	}
	want := []Frames{{"received", "ping", 5, 20}, {"shown", "world", 1, 3 * 4}}
	if !slices.Equal(s.Frames, want) {
		t.Errorf("frames: got %+v, want %+v", s.Frames, want)
	}
	if err := s.Print(io.Discard); err != nil {
		t.Error(err)
	}
}
