package clienttest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// Handler answers one frame: with a reply whose seq is filled in, or with nil
// for silence.
type Handler func(s *Session, f *clientv1.ClientFrame) *clientv1.ServerFrame

// Server is a server under the control of a test.
type Server struct {
	// URL is what to dial.
	URL string
	// Identify returns the player that a token is for; false refuses it. Set it
	// before the first connection.
	Identify func(token string) (player string, ok bool)
	// Welcome may change the greeting. Set it before the first connection.
	Welcome func(*clientv1.Welcome)

	handle Handler
	http   *httptest.Server

	serving sync.WaitGroup // one for each connection

	mu       sync.Mutex
	sessions map[*Session]bool // true once welcomed
	accepted int
}

// NewServer starts a server. Close it.
func NewServer(handle Handler) *Server {
	s := &Server{
		handle:   handle,
		sessions: make(map[*Session]bool),
		Identify: func(token string) (string, bool) { return token, token != "" },
		Welcome:  func(*clientv1.Welcome) {},
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = "ws" + strings.TrimPrefix(s.http.URL, "http") + "/v1/ws"
	return s
}

// Close ends every connection and waits.
func (s *Server) Close() {
	s.http.Listener.Close()
	s.mu.Lock()
	for c := range s.sessions {
		c.Drop()
	}
	s.mu.Unlock()
	s.http.Close()
	s.serving.Wait()
}

// DropAll cuts every connection without a goodbye.
func (s *Server) DropAll() {
	for _, c := range s.Sessions() {
		c.Drop()
	}
}

// Sessions returns the connections that have been welcomed and live.
func (s *Server) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Session, 0, len(s.sessions))
	for c, welcomed := range s.sessions {
		if welcomed {
			all = append(all, c)
		}
	}
	return all
}

// Session is one connection.
type Session struct {
	Player string
	// Number counts the connections of the server, from 1.
	Number int

	ws *websocket.Conn
	mu sync.Mutex // one writer at a time
}

// Send writes a frame. Those of the world are binary in each subprotocol.
func (c *Session) Send(f *clientv1.ServerFrame) error {
	kind, data, err := websocket.BinaryMessage, []byte(nil), error(nil)
	if c.ws.Subprotocol() == "holdfast.v1.json" && f.GetWorld() == nil && f.GetWorldKey() == nil {
		kind = websocket.TextMessage
		data, err = protojson.Marshal(f)
	} else {
		data, err = proto.Marshal(f)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteMessage(kind, data)
}

// Drop cuts the connection without a goodbye.
func (c *Session) Drop() { _ = c.ws.NetConn().Close() }

func (c *Session) receive(f *clientv1.ClientFrame) error {
	kind, data, err := c.ws.ReadMessage()
	if err != nil {
		return err
	}
	if kind == websocket.TextMessage {
		return protojson.Unmarshal(data, f)
	}
	return proto.Unmarshal(data, f)
}

var upgrader = websocket.Upgrader{Subprotocols: []string{"holdfast.v1.proto", "holdfast.v1.json"}}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.serving.Add(1)
	defer s.serving.Done()
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &Session{ws: ws}
	s.enter(c)
	defer s.leave(c)
	if !s.greet(c) {
		return
	}
	for {
		var f clientv1.ClientFrame
		if err := c.receive(&f); err != nil {
			return
		}
		reply := s.handle(c, &f)
		if reply == nil {
			continue
		}
		reply.Seq = f.Seq
		if err := c.Send(reply); err != nil {
			return
		}
	}
}

// greet takes the Hello and says Welcome, or that the token is no good.
func (s *Server) greet(c *Session) bool {
	var hello clientv1.ClientFrame
	if err := c.receive(&hello); err != nil {
		return false
	}
	player, ok := s.Identify(hello.GetHello().GetToken())
	if !ok {
		f := Refuse(clientv1.Code_CODE_UNAUTHENTICATED, "no such token")
		f.Seq = hello.Seq
		_ = c.Send(f)
		return false
	}
	c.Player = player
	s.mu.Lock()
	s.accepted++
	c.Number = s.accepted
	s.sessions[c] = true
	s.mu.Unlock()
	welcome := &clientv1.Welcome{Player: player, NextRequest: 1}
	s.Welcome(welcome)
	return c.Send(&clientv1.ServerFrame{Seq: hello.Seq, Body: &clientv1.ServerFrame_Welcome{Welcome: welcome}}) == nil
}

func (s *Server) enter(c *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c] = false
}

func (s *Server) leave(c *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
}

// Refuse makes an error frame.
func Refuse(code clientv1.Code, text string) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: code, Text: text}}}
}
