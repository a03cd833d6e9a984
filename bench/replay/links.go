package replay

import (
	"errors"
	"io"
)

// What an engine does with the connections of its players.

// link is the player's n-th connection.
func (p *player) link(n int32) *link {
	if p.conns == nil {
		p.conns = make([]*link, p.part.conns)
	}
	if p.conns[n] == nil {
		p.conns[n] = &link{player: p, conn: n}
	}
	return p.conns[n]
}

func (e *engine) dial(l *link) {
	l.state = dialing
	e.dialers.add(l, e.name(l.player.part.name, l.player.copy))
}

// dialed takes a connection, or hears that there is none.
func (e *engine) dialed(d dialed) {
	l, p := d.link, d.link.player
	if d.err == nil {
		l.seq, l.unframer = 1, unframer{} // Hello had it
		l.state = up
		p.greet(d.next)
		d.err = e.poll.adopt(l, d.conn)
	}
	opened := d.err == nil
	if !opened {
		e.tally.unopened.add(d.err)
		l.state = down
		e.dialers.release()
	}
	switch {
	case !l.again:
		e.tally.connected(p, d, opened)
	case opened:
		e.tally.reconnects++
	}
	if opened {
		e.poll.begin(l, d.early, e.arrived)
	}
	e.proceed(p)
}

// came is told by the poller of what has come since the last look.
func (e *engine) came(l *link, data []byte, err error) {
	if !e.reading {
		e.looked, e.reading = e.now(), true
	}
	e.arrived(l, data, err)
}

// arrived takes what a server has sent.
func (e *engine) arrived(l *link, data []byte, err error) {
	if l.state != up {
		return
	}
	if err == nil {
		err = l.feed(data, func(opcode byte, payload []byte) error { return e.message(l, opcode, payload) })
	}
	if err != nil && l.state == up {
		e.lost(l, err)
	}
}

// lost: a connection has broken.
func (e *engine) lost(l *link, why error) {
	if errors.Is(why, io.EOF) {
		why = errClosed
	}
	e.tally.lost.add(why)
	e.drop(l, down)
	p := l.player
	for i := 0; i < len(p.asked); {
		if a := p.asked[i]; a.link == l {
			p.asked = append(p.asked[:i], p.asked[i+1:]...)
			e.tally.settle(p, a.step, answer{outcome: disconnected})
			continue
		}
		i++
	}
	e.proceed(p)
}

func (e *engine) drop(l *link, to state) {
	if l.state == up {
		e.poll.drop(l)
		e.dialers.release()
	}
	l.state = to
}

// hangUp says goodbye.
func (e *engine) hangUp(l *link) {
	if l.state == up {
		_ = e.poll.write(l, finish(make([]byte, maxHead), opClose)) // it is over anyway
	}
	e.drop(l, closed)
}
