package gateway

import (
	"sync/atomic"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// watchWait is how long the Watching reply waits for slices that do not answer.
// After it the level is told without a state, and an event follows when it is
// known.
const watchWait = 2 * time.Second

// watch replaces the list of SKUs that the connection watches.
func (s *session) watch(seq uint64, skus []string) bool {
	if len(skus) > s.g.cfg.MaxWatched {
		return s.invalid(seq, "a connection watches at most %d SKUs", s.g.cfg.MaxWatched)
	}
	for _, sku := range skus {
		if err := validateName("sku", sku, maxSKU); err != nil {
			return s.invalid(seq, "%s", err)
		}
		if _, ok := s.g.board.catalog().Product(sku); !ok {
			return s.say(refuse(seq, clientv1.Code_CODE_NOT_FOUND, "there is no product %q", sku))
		}
	}
	if ok, goOn := s.admit(seq); !ok {
		return goOn
	}
	list := s.rewatch(skus)
	w := &watching{s: s, seq: seq, list: list}
	w.waiting.Store(int64(len(list)) + 1)
	w.timeout = time.AfterFunc(watchWait, w.reply)
	for _, one := range list {
		one.topic.await(w.known)
	}
	w.known()
	return true
}

// rewatch joins what is new in the list and leaves what is no more, and returns
// the watches in the order of the list, with events held back.
func (s *session) rewatch(skus []string) []*watched {
	next := make(map[string]*watched, len(skus))
	list := make([]*watched, 0, len(skus))
	for _, sku := range skus {
		if next[sku] != nil {
			continue // named twice
		}
		w := s.watches[sku]
		if w != nil {
			w.topic.hold(w)
		} else {
			w = &watched{sku: sku, queue: s.queue, held: 1}
			if w.topic = s.g.board.join(w); w.topic == nil {
				continue // it has just gone from the catalog
			}
		}
		next[sku] = w
		list = append(list, w)
	}
	for sku, w := range s.watches {
		if next[sku] == nil {
			s.g.board.leave(w)
		}
	}
	s.watches = next
	return list
}

func (s *session) unwatchAll() {
	for _, w := range s.watches {
		s.g.board.leave(w)
	}
	s.watches = nil
}

// watching is a Watching reply that waits for levels.
type watching struct {
	s       *session
	seq     uint64
	list    []*watched
	waiting atomic.Int64 // levels not known yet, and one until all were asked
	replied atomic.Bool
	timeout *time.Timer
}

func (w *watching) known() {
	if w.waiting.Add(-1) == 0 {
		w.timeout.Stop()
		w.reply()
	}
}

// reply queues the reply, once, and lets events follow it: an event that
// overtook the reply would leave the client with the older level.
func (w *watching) reply() {
	if w.replied.Swap(true) {
		return
	}
	m := &clientv1.Watching{Levels: make([]*clientv1.StockLevel, 0, len(w.list))}
	for _, one := range w.list {
		m.Levels = append(m.Levels, one.topic.look(one))
	}
	w.s.queue.answer(reply{frame: &clientv1.ServerFrame{Seq: w.seq, Body: &clientv1.ServerFrame_Watching{Watching: m}}})
	for _, one := range w.list {
		one.topic.release(one)
	}
}
