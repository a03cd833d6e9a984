package integration

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/client"
	"github.com/holdfast-game/holdfast/client/js/jstest"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway/auth"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// The TypeScript client against three nodes. Its tests say what should happen to
// the nodes meanwhile.
func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	jstest.Node(t)
	bundles := jstest.BundleTests(t, "client/js/test/node/*.test.ts")
	d := startDrill(t, 4*time.Minute)
	s := &stage{drill: d, requests: make(map[string]func(url.Values) (string, error))}
	s.requests["token"] = s.token
	s.requests["product"] = s.product
	s.requests["zone"] = s.zone
	s.requests["close"] = s.close
	s.requests["owner"] = s.owner
	s.requests["move"] = s.move
	s.requests["kill"] = s.kill
	s.requests["start"] = s.start
	s.requests["watch"] = s.watch
	s.requests["compare"] = s.compare
	server := httptest.NewServer(s)
	defer server.Close()
	jstest.Run(d.ctx, t, []string{
		"HOLDFAST_GATEWAYS=" + strings.Join(d.urls(), ","), "HOLDFAST_STAGE=" + server.URL,
	}, bundles...)
}

// stage does for the tests in TypeScript what players cannot do. Each of its
// requests is a POST with parameters, answered by a text.
type stage struct {
	*drill
	requests map[string]func(url.Values) (string, error)

	mu      sync.Mutex // one request at a time
	witness witness
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := s.requests[strings.TrimPrefix(r.URL.Path, "/")]
	if request == nil {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := request(r.Form)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, answer)
}

// alive is the number of a node that runs.
func (s *stage) alive() int {
	for i, n := range s.nodes {
		select {
		case <-n.exited:
		default:
			return i
		}
	}
	s.t.Error("no node runs")
	return 0
}

func (s *stage) token(v url.Values) (string, error) {
	return auth.Mint([]byte(s.nodes[0].secret(s.at[0].SecretFile)), auth.Grant{Player: v.Get("player"), Expires: time.Now().Add(time.Hour)})
}

func number(v url.Values, name string) int64 {
	n, _ := strconv.ParseInt(v.Get(name), 10, 64) // 0 for what is not there
	return n
}

func (s *stage) product(v url.Values) (string, error) {
	_, err := s.admin(s.alive()).PutProduct(s.ctx, connect.NewRequest(&adminv1.PutProductRequest{
		Product: &clusterv1.Product{
			Sku: v.Get("sku"), Title: v.Get("sku"), Price: number(v, "price"), Currency: "gold", LimitPerPlayer: number(v, "limit"), Slices: 1,
		},
		Stock: number(v, "stock"),
	}))
	return "", err
}

func (s *stage) zone(v url.Values) (string, error) {
	_, err := s.admin(s.alive()).PutZone(s.ctx, connect.NewRequest(&adminv1.PutZoneRequest{
		Spec: &clusterv1.ZoneSpec{
			Zone: &clientv1.Zone{
				Name: v.Get("name"), Width: uint32(number(v, "width")), Height: uint32(number(v, "height")), Cell: uint32(number(v, "cell")),
				Hz: uint32(number(v, "hz")), MaxSpeed: float64(number(v, "speed")), MaxPlayers: uint32(number(v, "players")),
			},
			Bots: uint32(number(v, "bots")),
		},
	}))
	return "", err
}

func (s *stage) close(v url.Values) (string, error) {
	_, err := s.admin(s.alive()).DeleteZone(s.ctx, connect.NewRequest(&adminv1.DeleteZoneRequest{Name: v.Get("name")}))
	return "", err
}

// shard is that of the actor that the parameters name.
func shardOf(v url.Values) int {
	return int((cluster.ActorID{Kind: v.Get("kind"), ID: v.Get("id")}).Shard(shardCount))
}

func (s *stage) owner(v url.Values) (string, error) {
	return s.owners(s.alive())[shardOf(v)], nil
}

// move has the actor's shard moved to the node after its owner, and names that.
func (s *stage) move(v url.Values) (string, error) {
	shard := shardOf(v)
	from := s.owners(s.alive())[shard]
	for i, n := range s.nodes {
		if n.name != from {
			continue
		}
		to := s.nodes[(i+1)%len(s.nodes)].name
		_, err := s.admin(s.alive()).Move(s.ctx, connect.NewRequest(&adminv1.MoveRequest{Shard: uint32(shard), Node: to}))
		return to, err
	}
	return "", fmt.Errorf("shard %d has no owner", shard)
}

// kill kills the node that owns the actor, and names it.
func (s *stage) kill(v url.Values) (string, error) {
	owner := s.owners(s.alive())[shardOf(v)]
	for _, n := range s.nodes {
		if n.name == owner {
			n.kill()
			return owner, nil
		}
	}
	return "", errors.New("the actor has no owner")
}

// start starts a node that was killed, and waits until it serves its part.
func (s *stage) start(v url.Values) (string, error) {
	for i, n := range s.nodes {
		if n.name != v.Get("node") {
			continue
		}
		n.start()
		s.at[i] = n.ready(s.ctx)
		s.even()
		return "", nil
	}
	return "", errors.New("there is no such node")
}

// witness keeps what the client in Go sees of a zone: a digest for each frame.
type witness struct {
	mu   sync.Mutex
	seen map[string]uint32 // by cell, epoch, seq and time
	errs []error
}

// watch has the witness look at a zone until the test ends.
func (s *stage) watch(v url.Values) (string, error) {
	token, err := s.token(url.Values{"player": {"witness"}})
	if err != nil {
		return "", err
	}
	s.witness.seen = make(map[string]uint32)
	decoders := make(map[uint32]*delta.Decoder) // by stream; of the reading goroutine
	cells := make(map[uint32]uint32)
	conn, err := client.Dial(s.ctx, s.urls()[0], client.Options{Token: token, OnWorld: func(m *client.WorldMessage) {
		switch m.Kind {
		case client.WorldKey:
			decoders[m.Stream], cells[m.Stream] = delta.NewDecoder(delta.World), m.Cell
		case client.WorldGone:
			delete(decoders, m.Stream)
		}
		if d := decoders[m.Stream]; d != nil {
			s.witness.note(cells[m.Stream], d, d.Decode(m.Frame))
		}
	}})
	if err != nil {
		return "", err
	}
	s.t.Cleanup(func() { _ = conn.Close() }) // nothing of it is under way
	_, err = conn.EnterZone(s.ctx, v.Get("zone"), client.EnterOptions{Spectate: true})
	return "", err
}

func (w *witness) note(cell uint32, d *delta.Decoder, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.errs = append(w.errs, err)
		return
	}
	h := d.Header()
	w.seen[fmt.Sprintf("%d/%d/%d/%d", cell, h.Epoch, h.Seq, h.Tick)] = digest(d.Table())
}

// digest is over the numbers of a table, row by row (FNV-1a, number by number).
func digest(t *delta.Table) uint32 {
	sum := uint32(2166136261)
	for i := range t.Len() {
		sum = (sum ^ t.ID(i)) * 16777619
		for _, v := range t.Row(i) {
			sum = (sum ^ v) * 16777619
		}
	}
	return sum
}

// compare holds what the client in TypeScript has seen, a digest for each frame,
// against what the witness has seen, and answers how many frames both have.
func (s *stage) compare(v url.Values) (string, error) {
	w := &s.witness
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errs) > 0 {
		return "", fmt.Errorf("the witness could not read %d frames: %w", len(w.errs), w.errs[0])
	}
	both := 0
	for line := range strings.Lines(v.Get("frames")) {
		frame, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
		want, ok := w.seen[frame]
		if !ok {
			continue
		}
		if both++; sum != fmt.Sprint(want) {
			return "", fmt.Errorf("frame %s: TypeScript has %s, Go has %d", frame, sum, want)
		}
	}
	return strconv.Itoa(both), nil
}
