package journaltest

import "math/rand/v2"

// Faults are the rates at which things go wrong, each from 0 to 1.
type Faults struct {
	Lose    float64 // of a request or an answer, each
	Delay   float64 // of a request or an answer: others may overtake it
	Double  float64 // of a request or an answer
	Refuse  float64 // of a publish that could have been accepted
	Fail    float64 // of a publish: answered by an error, nothing was written
	Stale   float64 // of a read: answered by a replica that lacks the entry
	Elect   float64 // of a step: what is not committed is dropped
	Survive float64 // of a request when the connection is lost: it arrives yet
}

// Unconditional is the expected sequence of a publish that expects none.
const Unconditional = -1

// Reply is an answer that reached the client.
type Reply struct {
	// Number and Attempt are those of the request.
	Number, Attempt uint64
	Outcome         Outcome
	// Seq is where what was published stands.
	Seq uint64
	// Data is what was read.
	Data []byte
}

// Outcome is the kind of a Reply.
type Outcome int

const (
	// Written answers a publish: it is committed, at Seq.
	Written Outcome = iota
	// Refused answers a publish whose expected sequence was wrong.
	Refused
	// Failed answers a publish with some other error.
	Failed
	// Found answers a read: Data stands there.
	Found
	// Nothing answers a read: nothing stands there.
	Nothing
)

// Stream is the model. The client's end of one connection.
type Stream struct {
	rnd    *rand.Rand
	faults Faults

	committed [][]byte
	proposed  []request // what the leader has accepted behind committed

	requests []request // on their way to the server, in order of sending
	late     []request // of these, the delayed ones
	replies  []Reply   // on their way to the client
	lateBack []Reply
}

type request struct {
	read            bool
	number, attempt uint64
	expected        int64
	data            []byte
	silent          bool // the connection that the answer would come on is lost
}

// New returns an empty stream.
func New(rnd *rand.Rand, f Faults) *Stream {
	return &Stream{rnd: rnd, faults: f}
}

// Heal ends all faults. What was delayed arrives.
func (s *Stream) Heal() { s.faults = Faults{} }

// Publish sends an entry. data must not change afterwards.
func (s *Stream) Publish(number, attempt uint64, expected int64, data []byte) {
	s.send(request{number: number, attempt: attempt, expected: expected, data: data})
}

// Read asks for what stands at number.
func (s *Stream) Read(number, attempt uint64) {
	s.send(request{read: true, number: number, attempt: attempt})
}

func (s *Stream) send(r request) {
	switch {
	case s.hit(s.faults.Lose):
	case s.hit(s.faults.Delay):
		s.late = append(s.late, r)
	default:
		s.requests = append(s.requests, r)
	}
	if s.hit(s.faults.Double) {
		s.late = append(s.late, r)
	}
}

// Disconnect loses the connection and opens the next. Answers are lost; requests
// may have reached the server nevertheless, and be worked on later.
func (s *Stream) Disconnect() {
	s.replies, s.lateBack = nil, nil
	var surviving []request
	for _, r := range append(s.requests, s.late...) {
		if s.hit(s.faults.Survive) {
			r.silent = true
			surviving = append(surviving, r)
		}
	}
	s.requests, s.late = nil, surviving
	for i := range s.proposed {
		s.proposed[i].silent = true
	}
}

// Append commits data at once and unconditionally, as somebody else would who
// has another connection and is answered. It returns where it stands.
func (s *Stream) Append(data []byte) uint64 {
	// It is proposed behind whatever the leader has taken on already.
	s.proposed = append(s.proposed, request{data: data, silent: true})
	for len(s.proposed) > 0 {
		s.commit()
	}
	return uint64(len(s.committed))
}

// Committed returns what stands in the stream for good; entry n at index n-1.
func (s *Stream) Committed() [][]byte { return s.committed }

// Idle says that nothing is under way.
func (s *Stream) Idle() bool {
	return len(s.requests)+len(s.late)+len(s.replies)+len(s.lateBack)+len(s.proposed) == 0
}

// Step lets one thing happen. A Reply comes with true when it is that an answer
// arrived.
func (s *Stream) Step() (Reply, bool) {
	if s.hit(s.faults.Elect) {
		s.proposed = nil
	}
	// The ways in which something can move, one picked at random.
	var ways [5]func() (Reply, bool)
	n := 0
	add := func(can bool, f func() (Reply, bool)) {
		if can {
			ways[n] = f
			n++
		}
	}
	add(len(s.requests) > 0, func() (Reply, bool) {
		r := s.requests[0]
		s.requests = s.requests[1:]
		return s.serve(r)
	})
	add(len(s.late) > 0, func() (Reply, bool) { return s.serve(pick(s.rnd, &s.late)) })
	add(len(s.proposed) > 0, func() (Reply, bool) { s.commit(); return Reply{}, false })
	add(len(s.replies) > 0, func() (Reply, bool) {
		r := s.replies[0]
		s.replies = s.replies[1:]
		return r, true
	})
	add(len(s.lateBack) > 0, func() (Reply, bool) { return pick(s.rnd, &s.lateBack), true })
	if n == 0 {
		return Reply{}, false
	}
	return ways[s.rnd.IntN(n)]()
}

// pick takes any element out.
func pick[T any](rnd *rand.Rand, from *[]T) T {
	i := rnd.IntN(len(*from))
	v := (*from)[i]
	*from = append((*from)[:i:i], (*from)[i+1:]...)
	return v
}

// serve is the server's work on one request.
func (s *Stream) serve(r request) (Reply, bool) {
	reply := Reply{Number: r.number, Attempt: r.attempt}
	switch {
	case r.read && (r.number > uint64(len(s.committed)) || s.hit(s.faults.Stale)):
		reply.Outcome = Nothing
	case r.read:
		reply.Outcome, reply.Data = Found, s.committed[r.number-1]
	case s.hit(s.faults.Fail):
		reply.Outcome = Failed
	case r.expected != Unconditional && r.expected != int64(len(s.committed)+len(s.proposed)) || s.hit(s.faults.Refuse):
		reply.Outcome = Refused
	default:
		s.proposed = append(s.proposed, r)
		return Reply{}, false // answered when committed
	}
	if !r.silent {
		s.answer(reply)
	}
	return Reply{}, false
}

// commit commits the oldest proposal and answers it.
func (s *Stream) commit() {
	p := s.proposed[0]
	s.proposed = s.proposed[1:]
	s.committed = append(s.committed, p.data)
	if !p.silent {
		s.answer(Reply{Number: p.number, Attempt: p.attempt, Outcome: Written, Seq: uint64(len(s.committed))})
	}
}

func (s *Stream) answer(r Reply) {
	switch {
	case s.hit(s.faults.Lose):
	case s.hit(s.faults.Delay):
		s.lateBack = append(s.lateBack, r)
	default:
		s.replies = append(s.replies, r)
	}
	if s.hit(s.faults.Double) {
		s.lateBack = append(s.lateBack, r)
	}
}

func (s *Stream) hit(rate float64) bool { return rate > 0 && s.rnd.Float64() < rate }
