package chat

import (
	"container/list"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/actors/requests"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// What is remembered of who has spoken, so that copies are known.
const (
	// keptRequests is how many numbers of one player are kept. It is more than
	// rateLines, which are counted by them.
	keptRequests = 8
	// memory is how long a player is remembered who says no more. A copy of a
	// line that comes later is said again.
	memory = 10 * time.Minute
	// maxSpeakers bounds how many are: as many as a zone has room for. Beyond,
	// whoever spoke first is forgotten.
	maxSpeakers = 4096
)

// speakers are those who have spoken lately. The zero value is empty.
type speakers struct {
	byPlayer map[string]*list.Element
	order    *list.List // of *speaker; whoever spoke last is the last
}

// speaker is one of them.
type speaker struct {
	player   string
	requests []request // oldest first; never empty
}

type request struct {
	number   uint64
	contents uint64 // digest of the text
	id       uint64 // of the line
	at       int64
}

func (s *speakers) find(player string) *speaker {
	if e := s.byPlayer[player]; e != nil {
		return e.Value.(*speaker)
	}
	return nil
}

// look returns the line that a copy has got, 0 for what is new, or a refusal.
func (s *speaker) look(m *clientv1.Say) (id uint64, err error) {
	for _, r := range s.requests {
		switch {
		case r.number != m.GetRequest():
		case r.contents != digest(m.GetText()):
			return 0, actors.Refusef(clientv1.Code_CODE_INVALID_ARGUMENT, "the request's number %v", requests.ErrReused)
		default:
			return r.id, nil
		}
	}
	if newest := s.newest(); m.GetRequest() <= newest.number {
		return 0, actors.Refusef(clientv1.Code_CODE_EXPIRED_REQUEST, "request: %d, the latest was %d", m.GetRequest(), newest.number)
	}
	return 0, nil
}

func (s *speaker) newest() request { return s.requests[len(s.requests)-1] }

// wait is how long the speaker has to be silent.
func (s *speaker) wait(now time.Time) time.Duration {
	if len(s.requests) < rateLines {
		return 0
	}
	at := s.requests[len(s.requests)-rateLines].at
	return min(time.Unix(0, at).Add(rateTime).Sub(now), rateTime)
}

// said notes a line, and forgets who has been silent for long.
func (s *speakers) said(e *journalv1.ChatSaid) error {
	r := request{number: e.GetRequest(), contents: digest(e.GetText()), id: e.GetId(), at: e.GetAt()}
	at := s.byPlayer[e.GetPlayer()]
	if at == nil {
		at = s.add(&speaker{player: e.GetPlayer(), requests: make([]request, 0, keptRequests)})
	} else if newest := at.Value.(*speaker).newest(); r.number <= newest.number {
		return fmt.Errorf("request %d of %q after %d", r.number, e.GetPlayer(), newest.number)
	}
	own := at.Value.(*speaker)
	if len(own.requests) == keptRequests {
		copy(own.requests, own.requests[1:])
		own.requests = own.requests[:keptRequests-1]
	}
	own.requests = append(own.requests, r)
	s.order.MoveToBack(at)
	for first := s.order.Front(); first != at; first = s.order.Front() {
		silent := first.Value.(*speaker)
		if s.order.Len() <= maxSpeakers && e.GetAt()-silent.newest().at <= int64(memory) {
			break
		}
		s.order.Remove(first)
		delete(s.byPlayer, silent.player)
	}
	return nil
}

func (s *speakers) add(own *speaker) *list.Element {
	if s.byPlayer == nil {
		s.byPlayer, s.order = make(map[string]*list.Element), list.New()
	}
	e := s.order.PushBack(own)
	s.byPlayer[own.player] = e
	return e
}

func (s *speakers) snapshot() []*journalv1.ChatSpeaker {
	out := make([]*journalv1.ChatSpeaker, 0, len(s.byPlayer))
	if s.order == nil {
		return out
	}
	for e := s.order.Front(); e != nil; e = e.Next() {
		own := e.Value.(*speaker)
		st := &journalv1.ChatSpeaker{Player: own.player}
		for _, r := range own.requests {
			st.Requests = append(st.Requests, &journalv1.ChatRequest{Request: r.number, Contents: r.contents, Id: r.id, At: r.at})
		}
		out = append(out, st)
	}
	return out
}

var errSpeaker = errors.New("is remembered twice, for nothing, or out of order")

func (s *speakers) restore(from []*journalv1.ChatSpeaker) error {
	*s = speakers{}
	for _, st := range from {
		own := &speaker{player: st.GetPlayer(), requests: make([]request, 0, keptRequests)}
		last := uint64(0)
		for _, r := range st.GetRequests() {
			if r.GetRequest() <= last {
				return fmt.Errorf("restore a channel: %q %w", own.player, errSpeaker)
			}
			last = r.GetRequest()
			own.requests = append(own.requests, request{number: last, contents: r.GetContents(), id: r.GetId(), at: r.GetAt()})
		}
		if last == 0 || len(own.requests) > keptRequests || s.find(own.player) != nil {
			return fmt.Errorf("restore a channel: %q %w", own.player, errSpeaker)
		}
		s.add(own)
	}
	return nil
}

func digest(text string) uint64 {
	d := requests.NewDigest()
	d.String(text)
	return d.Sum()
}
