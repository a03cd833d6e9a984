package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func TestQueueBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, func() {})
		for range 2 {
			if got := q.admit(); got != admitted {
				t.Fatal(got)
			}
		}
		if got := q.admit(); got != overloaded {
			t.Errorf("a request too many: %v", got)
		}
		f := &clientv1.ServerFrame{}
		for range replyRoom {
			if _, said := q.trySay(f); !said {
				t.Fatal("no room for the gateway's own replies")
			}
		}
		if _, said := q.trySay(f); said {
			t.Error("room for one too many")
		}
		// Answers have their room nevertheless.
		q.answer(reply{frame: f})
		q.answer(reply{frame: f})
		began := time.Now()
		if q.say(f) || time.Since(began) != roomWait {
			t.Errorf("waited %s for room that never came", time.Since(began))
		}
		var b batch
		said := make(chan bool)
		go func() { said <- q.say(f) }()
		synctest.Wait()
		q.take(&b)
		if len(b.replies) != replyRoom+2 {
			t.Errorf("took %d replies", len(b.replies))
		}
		if !<-said {
			t.Error("no room after the writer has taken all")
		}
		if got := q.admit(); got != admitted {
			t.Errorf("after the replies were taken: %v", got)
		}
	})
}

// Of levels and pongs only the newest is kept.
func TestQueueConflates(t *testing.T) {
	q := newQueue(1, func() {})
	w, old, newest := &watched{}, &event{}, &event{}
	q.level(w, old)
	q.level(w, newest)
	q.answerPing([]byte("a"))
	q.answerPing(nil)
	var b batch
	q.take(&b)
	if len(b.levels) != 1 || b.levels[0] != newest {
		t.Errorf("took %d levels", len(b.levels))
	}
	if b.pong == nil || len(b.pong) != 0 {
		t.Errorf("took pong %q", b.pong)
	}
	if q.take(&b) {
		t.Errorf("took %+v from an empty queue", b)
	}
}

// A farewell comes after what was queued before it, and nothing after it.
func TestQueueFarewell(t *testing.T) {
	q := newQueue(1, func() {})
	q.admit()
	q.close(farewell{code: 1001, reason: reasonShutdown})
	q.close(farewell{code: 1002, reason: reasonProtocolError})
	q.answer(reply{frame: &clientv1.ServerFrame{}})
	if got := q.admit(); got != closed {
		t.Errorf("admitted after the farewell: %v", got)
	}
	if q.pingDue() {
		t.Error("pings go on")
	}
	var b batch
	q.take(&b)
	if len(b.replies) != 0 || b.bye.reason != reasonShutdown {
		t.Errorf("took %+v", b)
	}
}
