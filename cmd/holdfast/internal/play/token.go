package play

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

const (
	// maxAsk bounds what is read of a request for a token.
	maxAsk = 1 << 10

	// greeting bounds how long a new player is waited for: its shard may be on its
	// way to another node.
	greeting = 5 * time.Second

	// An address gets tokens for a class of players at once, and then some more: a
	// page asks for one each time it connects.
	perSecond = 2
	burst     = 40

	// addresses is how many are remembered. When there are more, the one that has
	// not asked for longest begins anew.
	addresses = 4096
)

// playerName is what the page calls its players: ids that the gateway takes, and
// short enough to stand over a head.
var playerName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,16}$`)

// counter is where tokens are given out.
type counter struct {
	cfg   Config
	lines *queues
}

type ask struct {
	Player string `json:"player"`
}

type given struct {
	Token string `json:"token"`
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if c.cfg.Mint == nil {
		http.Error(w, "This cluster's tokens are signed elsewhere: the page can give none.", http.StatusNotImplemented)
		return
	}
	if wait := c.lines.wait(r.RemoteAddr, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		http.Error(w, "Too many tokens: wait a moment.", http.StatusTooManyRequests)
		return
	}
	player, status, err := readAsk(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	if c.cfg.Greet != nil {
		ctx, cancel := context.WithTimeout(r.Context(), greeting)
		defer cancel()
		if err := c.cfg.Greet(ctx, player); err != nil {
			c.cfg.Logger.Warn("a new player was not greeted", "player", player, "err", err)
			http.Error(w, "The cluster does not answer: try again in a moment.", http.StatusServiceUnavailable)
			return
		}
	}
	token, err := c.cfg.Mint(player)
	if err != nil {
		c.cfg.Logger.Error("no token for the page", "player", player, "err", err)
		http.Error(w, "No token could be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(given{Token: token}) // the browser may be gone
}

// readAsk returns who wants a token, or with which status that is refused.
func readAsk(w http.ResponseWriter, r *http.Request) (player string, status int, err error) {
	// A form of another site cannot send this type.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return "", http.StatusUnsupportedMediaType, errors.New("Content-Type: must be application/json")
	}
	var a ask
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsk))
	if err := d.Decode(&a); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return "", http.StatusRequestEntityTooLarge, fmt.Errorf("the request must be at most %d bytes", maxAsk)
		}
		return "", http.StatusBadRequest, errors.New(`the request must be like {"player": "ann"}`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", http.StatusBadRequest, errors.New(`the request must be like {"player": "ann"}, and nothing else`)
	}
	if !playerName.MatchString(a.Player) {
		return "", http.StatusBadRequest, fmt.Errorf("player: must match %s", playerName)
	}
	return a.Player, 0, nil
}

// queues keep how many tokens each address has asked for.
type queues struct {
	mu     sync.Mutex
	byAddr *lru.Cache[string, *rate.Limiter]
}

func newQueues() *queues {
	cache, err := lru.New[string, *rate.Limiter](addresses)
	if err != nil {
		panic(err) // the size is positive
	}
	return &queues{byAddr: cache}
}

// wait returns how long the address must wait before it asks again, 0 if it may
// have a token now.
func (q *queues) wait(remote string, now time.Time) time.Duration {
	addr, _, err := net.SplitHostPort(remote)
	if err != nil {
		addr = remote
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l, ok := q.byAddr.Get(addr)
	if !ok {
		l = rate.NewLimiter(perSecond, burst)
		q.byAddr.Add(addr, l)
	}
	slot := l.ReserveN(now, 1)
	if d := slot.DelayFrom(now); d > 0 {
		slot.CancelAt(now)
		return d
	}
	return 0
}
