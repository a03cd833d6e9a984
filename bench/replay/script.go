package replay

import (
	"errors"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/bench/tape"
)

// script is a tape as what each of its players does. Players that take the place
// of one share it.
type script struct {
	parts []*part
	names []string      // of all players on the tape, by number
	first time.Duration // of the first step: a replay begins with it
	// answered: the tape has what was answered. One that was made up has not.
	answered bool
	// skipped counts frames that are not replayed: those of connections that the
	// tape does not open, what cannot be decoded, and requests about streams of the
	// gateway that was recorded.
	skipped int
}

// part is what one player on the tape does.
type part struct {
	name   string
	number int // among all players on the tape
	steps  []step
	conns  int
	// next is what the player's next request number was, when the tape began.
	next uint64
}

// never is a step that comes after all others.
const never = math.MaxInt32

// step is one request, or the opening or closing of a connection.
type step struct {
	at   time.Duration // since the tape's first step
	body []byte        // of the ClientFrame, tag and length included
	conn int32         // counted per player
	// release is the first step of the player that comes after the answer to this
	// one, and waits for it.
	release int32
	kind    kind
	// calls: it is a Call to the actor of the player calls-1.
	calls int32
	then  answer
}

// spot is a connection of the tape while it is open.
type spot struct {
	part  *part
	conn  int32
	asked map[uint64]int32 // steps by seq
}

// arena keeps frames, many in one piece of memory.
type arena []byte

const arenaSize = 1 << 20

func (a *arena) keep(b []byte) []byte {
	if len(b) > cap(*a)-len(*a) {
		*a = make([]byte, 0, max(arenaSize, len(b)))
	}
	from := len(*a)
	*a = append(*a, b...)
	return (*a)[from:len(*a):len(*a)]
}

// loader reads a tape.
type loader struct {
	script
	mine    func(player int) bool
	players map[string]int // numbers, in the order of their coming
	known   map[int]*part  // by number: those that are mine
	open    map[uint64]*spot
	frames  arena
	pending []callee
	began   bool
}

// callee is a Call to an actor that has a player's id, maybe of one who comes
// later.
type callee struct {
	part *part
	step int32
	id   string
}

// load reads what the players do for whom mine is true, by the order in which
// they come on the tape. What stands before a damage is used. unpaced tells that
// times do not matter, so that only answers keep a player's requests apart.
func load(file string, unpaced bool, mine func(player int) bool) (*script, error) {
	in, err := tape.Open(file)
	if err != nil {
		return nil, err
	}
	l := &loader{mine: mine, players: make(map[string]int), known: make(map[int]*part), open: make(map[uint64]*spot)}
	_, err = eachRecord(in, l.take)
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	l.finish(unpaced)
	return &l.script, nil
}

// eachRecord calls fn for all that can be read, up to the end or a damage.
func eachRecord(in *tape.Reader, fn func(*tape.Record)) (damage *tape.DamageError, err error) {
	var r tape.Record
	for {
		err := in.Next(&r)
		if errors.Is(err, io.EOF) || errors.As(err, &damage) {
			return damage, nil
		}
		if err != nil {
			return nil, err
		}
		fn(&r)
	}
}

func (l *loader) take(r *tape.Record) {
	switch r.Kind {
	case tape.Opened:
		l.opened(r)
	case tape.Closed:
		if s := l.open[r.Conn]; s != nil {
			s.part.add(step{at: r.At - l.first, conn: s.conn, kind: leaving})
			delete(l.open, r.Conn)
		}
	case tape.Received:
		l.received(r)
	case tape.Sent:
		l.sent(r)
	}
}

func (p *part) add(s step) {
	s.release = never
	p.steps = append(p.steps, s)
}

func (l *loader) opened(r *tape.Record) {
	if !l.began {
		l.first, l.began = r.At, true
	}
	if l.open[r.Conn] != nil {
		return // tapes of one recording that were joined
	}
	number, ok := l.players[r.Player]
	if !ok {
		number = len(l.players)
		l.players[r.Player] = number
		l.names = append(l.names, r.Player)
	}
	if !l.mine(number) {
		return
	}
	p := l.known[number]
	if p == nil {
		p = &part{name: r.Player, number: number}
		l.known[number] = p
		l.parts = append(l.parts, p)
	}
	l.open[r.Conn] = &spot{part: p, conn: int32(p.conns), asked: make(map[uint64]int32)}
	p.add(step{at: r.At - l.first, conn: int32(p.conns), kind: connecting, then: answer{outcome: done}})
	p.conns++
}

func (l *loader) received(r *tape.Record) {
	s := l.open[r.Conn]
	if s == nil {
		return // somebody else's, or of a connection that the tape does not open
	}
	seq, field, body, err := splitFrame(r.Frame)
	switch {
	case err == nil && field == fieldHello:
		return // it comes with connecting
	case err != nil || field == 0 || field == fieldResync || field >= protowire.Number(leaving):
		l.skipped++
		return
	}
	st := step{at: r.At - l.first, body: l.frames.keep(body), conn: s.conn, kind: kind(field)}
	number := int32(len(s.part.steps))
	switch field {
	case fieldBuy:
		if b := readBuy(st.body); s.part.next == 0 || b.request < s.part.next {
			s.part.next = b.request
		}
	case fieldCall:
		if id := readCallee(body); id != "" {
			l.pending = append(l.pending, callee{part: s.part, step: number, id: id})
		}
	}
	s.asked[seq] = number
	s.part.add(st)
}

// readCallee returns the id of the actor that is called.
func readCallee(body []byte) (id string) {
	numbers(contents(body), func(num protowire.Number, _ uint64, inner []byte) {
		if num == 2 {
			id = string(inner)
		}
	})
	return id
}

func (l *loader) sent(r *tape.Record) {
	s := l.open[r.Conn]
	if s == nil {
		return
	}
	seq, field, body, err := splitFrame(r.Frame)
	if err != nil || seq == 0 {
		return
	}
	number, ok := s.asked[seq]
	if !ok {
		return // the answer to the Hello, or its request was lost
	}
	delete(s.asked, seq)
	l.answered = true
	st := &s.part.steps[number]
	st.then, _ = readAnswer(st.kind, field, body)
	st.release = int32(len(s.part.steps))
}

// Fields whose answer a made-up tape must wait for: what comes behind them makes
// no sense before.
var entering = map[kind]bool{
	entersZone:                   true,
	kind(numberOf("join_group")): true,
}

var (
	entersZone = kind(numberOf("enter_zone"))
	leavesZone = kind(numberOf("leave_zone"))
)

func numberOf(body string) int {
	for n, name := range kindNames {
		if name == body {
			return n
		}
	}
	panic("replay: there is no " + body)
}

// finish knows what only the whole tape tells.
func (l *loader) finish(unpaced bool) {
	for _, c := range l.pending {
		if number, ok := l.players[c.id]; ok {
			c.part.steps[c.step].calls = int32(number) + 1
		}
	}
	if l.answered {
		return
	}
	for _, p := range l.parts {
		for i := range p.steps {
			if s := &p.steps[i]; unpaced || entering[s.kind] {
				s.release = int32(i) + 1
			}
		}
	}
}

// withCallee is a Call to another actor, as a body.
func withCallee(body []byte, id string) []byte {
	out := make([]byte, 0, len(body)+len(id))
	rest := contents(body)
	for len(rest) > 0 {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return body // it goes as it came
		}
		size := protowire.ConsumeFieldValue(num, typ, rest[n:])
		if size < 0 {
			return body
		}
		if num == 2 && typ == protowire.BytesType {
			out = protowire.AppendBytes(append(out, rest[:n]...), []byte(id))
		} else {
			out = append(out, rest[:n+size]...)
		}
		rest = rest[n+size:]
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, fieldCall, protowire.BytesType), out)
}
