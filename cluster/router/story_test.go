package router

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const shards = 4

// world is the routes, the mesh and the nodes behind it, all in one.
type world struct {
	mu      sync.Mutex
	owners  [shards]cluster.Route
	changed chan struct{}
	sent    []string // "<ms> <method> to <address>"
	began   time.Time

	router *Router
	// nodes answer what is sent to their address; others are silent.
	nodes map[cluster.Address]func(*cluster.Command) *cluster.Answer
}

func newWorld(t *testing.T, cfg Config) *world {
	w := &world{
		changed: make(chan struct{}),
		began:   time.Now(),
		nodes:   make(map[cluster.Address]func(*cluster.Command) *cluster.Answer),
	}
	w.router = New(cfg, w, w)
	t.Cleanup(w.router.Close)
	return w
}

func (w *world) Shards() int { return shards }

func (w *world) Owner(s cluster.ShardID) cluster.Route {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owners[s]
}

func (w *world) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// own makes address the owner of every shard, "" for nobody.
func (w *world) own(address cluster.Address, epoch cluster.Epoch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.owners {
		w.owners[s] = route(address, epoch)
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

func route(address cluster.Address, epoch cluster.Epoch) cluster.Route {
	if address == "" {
		return cluster.Route{}
	}
	return cluster.Route{Node: "n", Incarnation: cluster.Incarnation(address), Address: address, Epoch: epoch}
}

func (w *world) SendCommand(to cluster.Address, c *cluster.Command) {
	w.mu.Lock()
	w.sent = append(w.sent, fmt.Sprintf("%d %s to %s", time.Since(w.began).Milliseconds(), c.Method, to))
	node := w.nodes[to]
	w.mu.Unlock()
	if node == nil {
		return
	}
	if a := node(c); a != nil {
		a.Call = c.Call
		w.router.Answered(a)
	}
}

func (w *world) wantSent(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !reflect.DeepEqual(w.sent, want) {
		t.Errorf("sent:\ngot  %q\nwant %q", w.sent, want)
	}
}

// waiter counts its answers.
type waiter struct {
	mu      sync.Mutex
	answers []*cluster.Answer
}

func (w *waiter) Answered(a *cluster.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, a)
}

func (w *waiter) want(t *testing.T, codes ...clientv1.Code) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []clientv1.Code
	for _, a := range w.answers {
		got = append(got, a.Code)
	}
	if !reflect.DeepEqual(got, codes) {
		t.Errorf("answers: got %v, want %v", got, codes)
	}
}

func ok(*cluster.Command) *cluster.Answer { return &cluster.Answer{} }

func notOwner(owner cluster.Route) func(*cluster.Command) *cluster.Answer {
	return func(*cluster.Command) *cluster.Answer { return &cluster.Answer{NotOwner: true, Owner: owner} }
}

func buy() *cluster.Command {
	return &cluster.Command{To: cluster.ActorID{Kind: "player", ID: "ann"}, Method: "Buy"}
}

// story runs fn in a bubble of its own time.
func story(t *testing.T, name string, cfg Config, fn func(t *testing.T, w *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { fn(t, newWorld(t, cfg)) })
	})
}

func pass(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

const success = clientv1.Code_CODE_UNSPECIFIED

func TestStories(t *testing.T) {
	story(t, "answered at once, within Do", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		w.nodes["a"] = ok
		var got waiter
		w.router.Do(buy(), &got)
		got.want(t, success)
		if n := w.router.Pending(); n != 0 {
			t.Errorf("%d calls wait", n)
		}
		pass(10 * time.Second)
		got.want(t, success)
		w.wantSent(t, "0 Buy to a")
	})

	story(t, "the second copy of an answer is a stray", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		var got waiter
		cmd := buy()
		w.router.Do(cmd, &got)
		w.router.Answered(&cluster.Answer{Call: cmd.Call})
		w.router.Answered(&cluster.Answer{Call: cmd.Call, Code: clientv1.Code_CODE_INTERNAL})
		w.router.Answered(&cluster.Answer{Call: cmd.Call, NotOwner: true})
		w.router.Answered(&cluster.Answer{Call: cmd.Call + 1})
		pass(10 * time.Second)
		got.want(t, success)
		if n := count(t, w.router.cfg.Metrics.strays); n != 3 {
			t.Errorf("%v strays, want 3", n)
		}
	})

	story(t, "no answer: sent again each second, given up after five", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		var got waiter
		w.router.Do(buy(), &got)
		pass(4990 * time.Millisecond)
		got.want(t)
		pass(10 * time.Millisecond)
		got.want(t, clientv1.Code_CODE_UNAVAILABLE)
		if ms := got.answers[0].RetryAfterMs; ms == 0 {
			t.Error("the answer has no retry hint")
		}
		w.wantSent(t, "0 Buy to a", "1000 Buy to a", "2000 Buy to a", "3000 Buy to a", "4000 Buy to a")
	})

	story(t, "the owner changes: sent to the new one at once", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		w.nodes["b"] = ok
		var got waiter
		w.router.Do(buy(), &got)
		pass(120 * time.Millisecond)
		w.own("", 0)
		pass(3 * time.Millisecond)
		w.own("b", 2)
		synctest.Wait()
		got.want(t, success)
		w.wantSent(t, "0 Buy to a", "123 Buy to b")
	})

	story(t, "nobody owns the shard: sent as soon as somebody does", Config{}, func(t *testing.T, w *world) {
		w.nodes["a"] = ok
		var got waiter
		w.router.Do(buy(), &got)
		pass(3333 * time.Millisecond)
		got.want(t)
		w.own("a", 7)
		synctest.Wait()
		got.want(t, success)
		w.wantSent(t, "3333 Buy to a")
	})

	story(t, "nobody owns the shard for too long", Config{}, func(t *testing.T, w *world) {
		var got waiter
		w.router.Do(buy(), &got)
		pass(5 * time.Second)
		got.want(t, clientv1.Code_CODE_UNAVAILABLE)
		w.wantSent(t)
	})

	story(t, "not the owner: the newer owner that it names is asked at once", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		w.nodes["a"] = notOwner(route("b", 2))
		w.nodes["b"] = ok
		var got waiter
		w.router.Do(buy(), &got)
		got.want(t, success)
		// It is remembered while the routes are behind, and forgotten then.
		w.router.Do(buy(), &got)
		w.own("c", 3)
		w.nodes["c"] = ok
		w.router.Do(buy(), &got)
		got.want(t, success, success, success)
		w.wantSent(t, "0 Buy to a", "0 Buy to b", "0 Buy to b", "0 Buy to c")
	})

	story(t, "not the owner: an older owner that it names is not asked", Config{}, func(t *testing.T, w *world) {
		w.own("b", 2)
		asked := 0
		w.nodes["b"] = func(*cluster.Command) *cluster.Answer {
			if asked++; asked == 3 {
				return &cluster.Answer{}
			}
			return &cluster.Answer{NotOwner: true, Owner: route("a", 1)}
		}
		var got waiter
		w.router.Do(buy(), &got)
		pass(time.Second)
		got.want(t, success)
		w.wantSent(t, "0 Buy to b", "50 Buy to b", "100 Buy to b")
	})

	story(t, "two nodes that name each other are asked with growing pauses", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		w.nodes["a"] = notOwner(route("b", 2))
		w.nodes["b"] = notOwner(route("a", 1))
		var got waiter
		w.router.Do(buy(), &got)
		pass(6 * time.Second)
		got.want(t, clientv1.Code_CODE_UNAVAILABLE)
		if n := len(w.sent); n > 30 {
			t.Errorf("sent %d times in 5 s", n)
		}
	})

	story(t, "a node named in error is forgotten after silence", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		first := true
		w.nodes["a"] = func(*cluster.Command) *cluster.Answer {
			if first {
				first = false
				return &cluster.Answer{NotOwner: true, Owner: route("dead", 99)}
			}
			return &cluster.Answer{}
		}
		var got waiter
		w.router.Do(buy(), &got)
		pass(5 * time.Second)
		got.want(t, success)
		w.wantSent(t, "0 Buy to a", "0 Buy to dead", "1000 Buy to a")
	})

	story(t, "too many calls", Config{MaxPending: 2}, func(t *testing.T, w *world) {
		w.own("a", 1)
		var got, refused waiter
		w.router.Do(buy(), &got)
		w.router.Do(buy(), &got)
		w.router.Do(buy(), &refused)
		refused.want(t, clientv1.Code_CODE_OVERLOADED)
		if ms := refused.answers[0].RetryAfterMs; ms == 0 {
			t.Error("the answer has no retry hint")
		}
		pass(5 * time.Second)
		got.want(t, clientv1.Code_CODE_UNAVAILABLE, clientv1.Code_CODE_UNAVAILABLE)
		refused.want(t, clientv1.Code_CODE_OVERLOADED)
		w.nodes["a"] = ok
		w.router.Do(buy(), &refused)
		refused.want(t, clientv1.Code_CODE_OVERLOADED, success)
	})

	story(t, "closed", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		var got waiter
		cmd := buy()
		w.router.Do(cmd, &got)
		w.router.Close()
		got.want(t, clientv1.Code_CODE_UNAVAILABLE)
		w.router.Answered(&cluster.Answer{Call: cmd.Call})
		w.router.Do(buy(), &got)
		got.want(t, clientv1.Code_CODE_UNAVAILABLE, clientv1.Code_CODE_UNAVAILABLE)
		if n := w.router.Pending(); n != 0 {
			t.Errorf("%d calls wait", n)
		}
	})

	story(t, "a whole shard is addressed by its number", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		var shard cluster.ShardID
		w.nodes["a"] = func(c *cluster.Command) *cluster.Answer {
			shard = c.Shard
			return &cluster.Answer{}
		}
		var got waiter
		w.router.Do(&cluster.Command{To: cluster.ShardActor(2), Method: "audit"}, &got)
		if got.want(t, success); shard != 2 {
			t.Errorf("shard %d, want 2", shard)
		}
		for _, id := range []string{"4", "-1", "x", ""} {
			var got waiter
			w.router.Do(&cluster.Command{To: cluster.ActorID{Kind: cluster.ShardKind, ID: id}}, &got)
			got.want(t, clientv1.Code_CODE_NOT_FOUND)
		}
	})
}

func TestCall(t *testing.T) {
	story(t, "answered", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		w.nodes["a"] = ok
		if a, err := w.router.Call(context.Background(), buy()); err != nil || a.Code != success {
			t.Errorf("got %v, %v", a, err)
		}
	})
	story(t, "the caller gives up", Config{}, func(t *testing.T, w *world) {
		w.own("a", 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
		defer cancel()
		if _, err := w.router.Call(ctx, buy()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if n := w.router.Pending(); n != 0 {
			t.Errorf("%d calls wait", n)
		}
	})
}
