package delta

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// A script is a run of one decoder, in lines of words:
//
//	schema NAME:KIND:BITS ...       of all that follows
//	frame BASE64 SEQ TICK N DIGEST  decodes to N entities
//	error CODE BASE64               does not decode, and the table stays
//	key BASE64                      is the decoder's keyframe now
//	row ID VALUE ...                is in the table now
//
// client/js/test/delta.test.ts reads the same files.
type script struct {
	bytes.Buffer
	d *Decoder
}

func newScript(s *Schema) *script {
	sc := &script{d: NewDecoder(s)}
	sc.WriteString("schema")
	for _, f := range s.fields {
		fmt.Fprintf(sc, " %s:%d:%d", f.Name, f.Kind, f.Bits)
	}
	sc.WriteByte('\n')
	return sc
}

func (s *script) frame(t *testing.T, frame []byte, want *Table) {
	t.Helper()
	if err := s.d.Decode(frame); err != nil {
		t.Fatalf("frame: %v", err)
	}
	if !s.d.Table().Equal(want) {
		t.Fatal("frame: another table")
	}
	h := s.d.Header()
	fmt.Fprintf(s, "frame %s %d %d %d %08x\n", base64.StdEncoding.EncodeToString(frame), h.Seq, h.Tick, want.Len(), digestOf(want))
}

func (s *script) error(t *testing.T, frame []byte, want error) {
	t.Helper()
	if err := s.d.Decode(frame); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	fmt.Fprintf(s, "error %s %s\n", codeOf(want), base64.StdEncoding.EncodeToString(frame))
}

func (s *script) rows() {
	t := s.d.Table()
	for i := range t.Len() {
		fmt.Fprintf(s, "row %d %s\n", t.ID(i), strings.Trim(fmt.Sprint(t.Row(i)), "[]"))
	}
}

// codeOf is what DeltaError in TypeScript calls it.
func codeOf(err error) string {
	for code, e := range codes {
		if errors.Is(err, e) {
			return code
		}
	}
	return ""
}

var codes = map[string]error{"gap": ErrGap, "hash": ErrHash, "malformed": ErrMalformed, "version": ErrVersion, "stale": ErrStale, "nokey": ErrNoKey}

func digestOf(t *Table) uint32 {
	h := fnv.New32a()
	for _, part := range [][]uint32{t.ids, t.values} {
		for _, v := range part {
			_ = binary.Write(h, binary.LittleEndian, v)
		}
	}
	return h.Sum32()
}

// crossing is a cell of a world that walkers come into, pause and fight in, and
// leave. It is all in whole numbers, so that it is the same on every machine.
type crossing struct {
	r       *rand.Rand
	table   *Table
	walkers []walker
	next    uint32
}

type walker struct {
	id                uint32
	x, y, speed       int32 // in 1/256
	heading, hp       int32
	state, until, leg int32
}

func newCrossing(seed uint64) *crossing {
	return &crossing{r: rand.New(rand.NewPCG(seed, 7)), table: NewTable(World), next: 1}
}

func (c *crossing) step(n int) *Table {
	r := c.r
	if len(c.walkers) < n && r.IntN(4) == 0 {
		c.walkers = append(c.walkers, walker{
			id: c.next, x: r.Int32N(4000) << 8, y: r.Int32N(4000) << 8, speed: 1280 + r.Int32N(5000), heading: r.Int32N(256), hp: 1000, leg: r.Int32N(90),
		})
		c.next += 1 + r.Uint32N(3)
	}
	c.table.Reset()
	kept := c.walkers[:0]
	for _, w := range c.walkers {
		c.live(&w)
		if w.x < 0 || w.y < 0 || w.x >= 4000<<8 || w.y >= 4000<<8 {
			continue
		}
		kept = append(kept, w)
		c.table.Append(w.id, uint32(w.x+128)>>8, uint32(w.y+128)>>8, uint32(w.heading), uint32(w.hp), uint32(w.state))
	}
	c.walkers = kept
	return c.table
}

func (c *crossing) live(w *walker) {
	r := c.r
	w.until--
	w.leg--
	if w.until == 0 {
		w.state = 0
	}
	if r.IntN(120) == 0 {
		w.state, w.until, w.hp = 3, 6, max(0, w.hp-10*(1+r.Int32N(9)))
	}
	if w.leg < -20 {
		w.heading, w.leg = r.Int32N(256), 10+r.Int32N(120)
	}
	if w.leg < 0 {
		return // pauses
	}
	if w.id%4 == 0 {
		w.heading = (w.heading + r.Int32N(3) - 1) & 255 // does not walk straight
	}
	w.x += w.speed * sine(w.heading+64) >> 14
	w.y += w.speed * sine(w.heading) >> 14
}

func goldenEncoder(t *testing.T, s *Schema, epoch uint64) *Encoder {
	e, err := NewEncoder(Config{Schema: s, Epoch: epoch, Start: time.UnixMilli(1_700_000_000_123), Hz: 20})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// world: a thousand ticks, with gaps that keyframes heal.
func worldScript(t *testing.T) *script {
	s, e, c := newScript(World), goldenEncoder(t, World, 5), newCrossing(1)
	tick := uint32(100)
	for n := range 1000 {
		tick++
		if n%50 == 49 {
			tick += 19 // nothing was worth a frame
		}
		table := c.step(12)
		frame := e.Encode(nil, tick, table)
		switch n % 130 {
		case 127:
			continue // lost on its way
		case 128:
			s.error(t, frame, ErrGap)
			continue
		case 129:
			s.error(t, frame, ErrNoKey)
			frame = e.Keyframe(nil)
		}
		s.frame(t, frame, table)
	}
	s.rows()
	fmt.Fprintf(s, "key %s\n", base64.StdEncoding.EncodeToString(s.d.Keyframe(nil)))
	return s
}

// strange: a schema with more of everything, and values that do as they like.
func strangeScript(t *testing.T) *script {
	schema := mustSchema(schemas[4]...)
	s, e := newScript(schema), goldenEncoder(t, schema, 1<<40)
	m := newMob(rand.New(rand.NewPCG(2, 2)), schema)
	m.most, m.nervous = 9, 0.08
	for n := range uint32(250) {
		table := m.step()
		s.frame(t, e.Encode(nil, n*(n%3), table), table)
	}
	s.rows()
	fmt.Fprintf(s, "key %s\n", base64.StdEncoding.EncodeToString(s.d.Keyframe(nil)))
	return s
}

// refused: what a decoder does not take.
func refusedScript(t *testing.T) *script {
	s, old, e, c := newScript(World), goldenEncoder(t, World, 5), goldenEncoder(t, World, 6), newCrossing(3)
	s.error(t, nil, ErrMalformed)
	s.error(t, []byte{version << 5, 0, 0}, ErrMalformed)
	s.error(t, []byte{2 << 5, 0, 0, 0}, ErrVersion)
	s.error(t, []byte{version << 5, 0, 0, 0}, ErrNoKey)
	for range 100 {
		c.step(8)
	}
	oldKey := old.Encode(nil, 1, c.table)
	s.frame(t, oldKey, c.table)
	s.error(t, oldKey, ErrStale)
	second := old.Encode(nil, 2, c.step(8))
	key := e.Encode(nil, 3, c.step(8))
	s.frame(t, key, c.table)
	s.error(t, oldKey, ErrStale)
	s.error(t, second, ErrStale)
	frame := e.Encode(nil, 4, c.step(8))
	s.frame(t, frame, c.table)
	s.error(t, frame, ErrStale)
	frame = e.Encode(nil, 5, c.step(8))
	damaged := bytes.Clone(frame)
	damaged[2] ^= 1
	s.error(t, damaged, ErrHash)
	s.error(t, frame, ErrNoKey)
	for _, c := range []struct {
		at   int
		want error
	}{{3, ErrVersion}, {len(e.Keyframe(nil)) - 1, ErrHash}} {
		damaged = e.Keyframe(nil)
		damaged[c.at] ^= 1
		s.error(t, damaged, c.want)
	}
	s.error(t, e.Keyframe(nil)[:40], ErrMalformed)
	s.frame(t, e.Keyframe(nil), c.table)
	frame = e.Encode(nil, 6, c.step(8))
	s.error(t, append(frame, 1, 2, 3, 4, 5), ErrMalformed)
	s.frame(t, e.Keyframe(nil), c.table)
	newer := goldenEncoder(t, World, 7)
	newer.Encode(nil, 1, c.table)
	s.error(t, newer.Encode(nil, 2, c.step(8)), ErrGap)
	s.frame(t, newer.Keyframe(nil), c.table)
	return s
}

var golden = map[string]func(*testing.T) *script{"world.txt": worldScript, "strange.txt": strangeScript, "refused.txt": refusedScript}

func TestGoldenEncoder(t *testing.T) {
	for name, play := range golden {
		t.Run(name, func(t *testing.T) {
			got := play(t).Bytes()
			path := filepath.Join("testdata", name)
			if *rewrite {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("frames are not what they were: the format has changed, and needs another version")
			}
		})
	}
}

func TestGoldenDecoder(t *testing.T) {
	for name := range golden {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var d *Decoder
			lines := bufio.NewScanner(f)
			lines.Buffer(nil, 1<<20)
			for n := 1; lines.Scan(); n++ {
				words := strings.Fields(lines.Text())
				if words[0] == "schema" {
					d = NewDecoder(readSchema(t, words[1:]))
				} else if err := obey(d, words); err != nil {
					t.Fatalf("line %d: %v", n, err)
				}
			}
		})
	}
}

func readSchema(t *testing.T, words []string) *Schema {
	var fields []Field
	for _, w := range words {
		var f Field
		if _, err := fmt.Sscanf(strings.ReplaceAll(w, ":", " "), "%s %d %d", &f.Name, &f.Kind, &f.Bits); err != nil {
			t.Fatal(err)
		}
		fields = append(fields, f)
	}
	s, err := NewSchema(fields...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// obey has the decoder do what a line says, and returns how it differs.
func obey(d *Decoder, words []string) error {
	frame := func(i int) []byte {
		if i >= len(words) {
			return nil
		}
		b, _ := base64.StdEncoding.DecodeString(words[i])
		return b
	}
	before := digestOf(d.Table())
	switch words[0] {
	case "frame":
		if err := d.Decode(frame(1)); err != nil {
			return err
		}
		h, t := d.Header(), d.Table()
		got := fmt.Sprintf("%d %d %d %08x", h.Seq, h.Tick, t.Len(), digestOf(t))
		if want := strings.Join(words[2:], " "); got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
	case "error":
		if err := d.Decode(frame(2)); !errors.Is(err, codes[words[1]]) {
			return fmt.Errorf("got %w, want %s", err, words[1])
		}
		if digestOf(d.Table()) != before {
			return errors.New("the table has changed")
		}
	case "key":
		if !bytes.Equal(d.Keyframe(nil), frame(1)) {
			return errors.New("another keyframe")
		}
	case "row":
		var id uint32
		if _, err := fmt.Sscan(words[1], &id); err != nil {
			return err
		}
		i, ok := d.Table().Find(id)
		if got, want := strings.Trim(fmt.Sprint(d.Table().Row(i)), "[]"), strings.Join(words[2:], " "); !ok || got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
	}
	return nil
}
