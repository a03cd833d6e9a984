package world

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/bench/launch"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

// fakeNode is zones in place of a node, with faults.
type fakeNode struct {
	adminv1connect.UnimplementedAdminServiceHandler
	ctx   context.Context
	fault string
	all   sync.WaitGroup

	mu    sync.Mutex
	zones map[string]*fakeZone // guarded by mu
}

// fakeZone is one zone: entities that walk, and who looks on.
type fakeZone struct {
	stream  uint32
	encoder *delta.Encoder
	table   *delta.Table
	tick    uint32
	watched []*fakeViewer
}

// fakeViewer is a connection whose queue is replaced by a keyframe when it is
// full.
type fakeViewer struct {
	ws      *websocket.Conn
	number  int
	queue   chan []byte
	lagging bool
}

// fakeQueue is the frames that a viewer may lag.
const fakeQueue = 8

// serveFake is what this test binary does as `serve`.
func serveFake(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	data := flags.String("data", "", "")
	for _, ignored := range []string{"listen", "admin", "node", "rate-limit", "play"} {
		flags.String(ignored, "", "")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	n := &fakeNode{ctx: ctx, fault: os.Getenv("WORLD_TEST_FAULT"), zones: make(map[string]*fakeZone)}
	gateway := httptest.NewServer(http.HandlerFunc(n.serve))
	mux := http.NewServeMux()
	mux.Handle(adminv1connect.NewAdminServiceHandler(n))
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "process_cpu_seconds_total 1\nprocess_resident_memory_bytes %d\n", 12<<20)
	})
	mux.HandleFunc("/zones", func(w http.ResponseWriter, _ *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		fmt.Fprint(w, len(n.zones))
	})
	operator := httptest.NewServer(mux)
	text, err := json.Marshal(launch.File{
		Listen: strings.TrimPrefix(gateway.URL, "http://"), Admin: strings.TrimPrefix(operator.URL, "http://"),
		SecretFile: "secret", AdminTokenFile: "secret",
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*data, "secret"), []byte("a secret of thirty-two characters"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*data, "node.json"), text, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	n.all.Wait()
	return nil
}

func (n *fakeNode) PutZone(_ context.Context, r *connect.Request[adminv1.PutZoneRequest]) (*connect.Response[adminv1.PutZoneResponse], error) {
	spec := r.Msg.GetSpec()
	encoder, err := delta.NewEncoder(delta.Config{Schema: delta.World, Epoch: 3, Start: time.Now(), Hz: int(spec.Zone.Hz)})
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	z := &fakeZone{stream: uint32(len(n.zones) + 1), encoder: encoder, table: delta.NewTable(delta.World)}
	n.zones[spec.Zone.Name] = z
	n.step(z, spec.Bots)
	n.all.Go(func() { n.run(z, spec) })
	return connect.NewResponse(&adminv1.PutZoneResponse{Spec: spec}), nil
}

func (n *fakeNode) DeleteZone(_ context.Context, r *connect.Request[adminv1.DeleteZoneRequest]) (*connect.Response[adminv1.DeleteZoneResponse], error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.zones, r.Msg.Name)
	return connect.NewResponse(new(adminv1.DeleteZoneResponse)), nil
}

func (n *fakeNode) run(z *fakeZone, spec *clusterv1.ZoneSpec) {
	tick := time.NewTicker(time.Second / time.Duration(spec.Zone.Hz))
	defer tick.Stop()
	start := time.Now()
	for {
		select {
		case now := <-tick.C:
			n.mu.Lock()
			for int(z.tick) < int(now.Sub(start).Seconds()*float64(spec.Zone.Hz)) {
				n.step(z, spec.Bots)
			}
			n.mu.Unlock()
		case <-n.ctx.Done():
			return
		}
	}
}

// step moves on by one tick and shows it. The node is locked.
func (n *fakeNode) step(z *fakeZone, bots uint32) {
	z.tick++
	z.table.Reset()
	for id := range bots {
		z.table.Append(id+1, 1000+3*z.tick, 7*id, z.tick%256, 1000, 1)
	}
	frame := z.encoder.Encode(nil, z.tick, z.table)
	message := push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: z.stream, Frame: frame}}})
	for _, v := range z.watched {
		n.show(z, v, message)
	}
}

// show queues a frame for a viewer, or does what the fault says.
func (n *fakeNode) show(z *fakeZone, v *fakeViewer, message []byte) {
	switch {
	case n.fault == "lose" && v.number%2 == 1 && z.tick%20 == 7:
		return
	case n.fault == "corrupt" && v.number == 1:
		message = append([]byte(nil), message...)
		message[len(message)-1] ^= 1
	case n.fault == "cut" && v.number == 2 && z.tick > 30:
		_ = v.ws.Close()
	case n.fault == "conflate" && z.tick%20 < 5:
		return
	case n.fault == "conflate" && z.tick%20 == 5 || v.lagging && len(v.queue) == 0:
		v.lagging, message = false, z.key()
	case v.lagging:
		return
	}
	select {
	case v.queue <- message:
	default:
		v.lagging = true
	}
}

func (z *fakeZone) key() []byte {
	return push(&clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldKey{WorldKey: &clientv1.WorldKey{
		Stream: z.stream, Zone: "fake", Frame: z.encoder.Keyframe(nil),
	}}})
}

func push(f *clientv1.ServerFrame) []byte {
	text, err := proto.Marshal(f)
	if err != nil {
		panic(err)
	}
	return text
}

// serve is a gateway.
func (n *fakeNode) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{Subprotocols: []string{"holdfast.v1.proto"}}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	v := &fakeViewer{ws: ws, queue: make(chan []byte, fakeQueue)}
	ended := make(chan struct{})
	defer close(ended)
	defer ws.Close()
	for {
		var f clientv1.ClientFrame
		if _, text, err := ws.ReadMessage(); err != nil || proto.Unmarshal(text, &f) != nil {
			return
		}
		answer := &clientv1.ServerFrame{Seq: f.Seq}
		switch b := f.Body.(type) {
		case *clientv1.ClientFrame_Hello:
			answer.Body = &clientv1.ServerFrame_Welcome{Welcome: new(clientv1.Welcome)}
		case *clientv1.ClientFrame_EnterZone:
			n.enter(v, b.EnterZone, answer)
		}
		// A ping in between, with nothing in it, is answered by whoever reads.
		_ = ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		if ws.WriteMessage(websocket.BinaryMessage, push(answer)) != nil {
			return
		}
		if answer.GetEntered() != nil {
			go v.write(ended)
		}
	}
}

// enter has the viewer see a zone; what is queued is written behind the answer.
func (n *fakeNode) enter(v *fakeViewer, e *clientv1.EnterZone, answer *clientv1.ServerFrame) {
	n.mu.Lock()
	defer n.mu.Unlock()
	z := n.zones[e.Zone]
	if z == nil || !e.Spectate || n.fault == "refuse" {
		answer.Body = &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: clientv1.Code_CODE_NOT_FOUND, Text: "no such zone"}}
		return
	}
	v.number = len(z.watched)
	z.watched = append(z.watched, v)
	v.queue <- z.key()
	answer.Body = &clientv1.ServerFrame_Entered{Entered: new(clientv1.Entered)}
}

func (v *fakeViewer) write(ended chan struct{}) {
	for {
		select {
		case message := <-v.queue:
			if v.ws.WriteMessage(websocket.BinaryMessage, message) != nil {
				return
			}
		case <-ended:
			return
		}
	}
}
