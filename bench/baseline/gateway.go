package baseline

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/client"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

const (
	// ioBuffer is the size of a connection's buffers, as the client's.
	ioBuffer = 2048
	// maxMessage bounds what a client can make the gateway hold.
	maxMessage = 64 << 10
	// headerTimeout bounds the start of a connection.
	headerTimeout = 10 * time.Second

	currency = "gold"
)

// gateway answers each connection's requests one after the other, in a goroutine
// of its own. It has none of the limits, metrics and events of a real one.
type gateway struct {
	store  Store
	secret []byte // signs the players' tokens
	up     websocket.Upgrader
}

func newGateway(s Store, secret string) *gateway {
	return &gateway{store: s, secret: []byte(secret), up: websocket.Upgrader{
		Subprotocols: []string{string(client.Binary)}, ReadBufferSize: ioBuffer, WriteBufferSize: ioBuffer,
	}}
}

// serve prints its URL to w and serves until ctx ends.
func (g *gateway) serve(ctx context.Context, w io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// A connection's context is the gateway's: a purchase under way when it ends is
	// given up.
	server := &http.Server{
		Handler: g, ReadHeaderTimeout: headerTimeout, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if _, err := fmt.Fprintf(w, "ws://%s/v1/ws\n", l.Addr()); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := g.up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer ws.Close()
	// The server does not know a connection any more that was upgraded.
	defer context.AfterFunc(r.Context(), func() { _ = ws.Close() })()
	ws.SetReadLimit(maxMessage)
	s := &session{gateway: g, ws: ws}
	if s.greet() {
		for s.answer(r.Context()) {
		}
	}
}

// session is one connection.
type session struct {
	*gateway
	ws     *websocket.Conn
	player string
	out    []byte // reused for every answer
}

// receive reads the next frame; false: there is none.
func (s *session) receive(f *clientv1.ClientFrame) bool {
	kind, data, err := s.ws.ReadMessage()
	return err == nil && kind == websocket.BinaryMessage && proto.Unmarshal(data, f) == nil
}

func (s *session) send(f *clientv1.ServerFrame) bool {
	var err error
	if s.out, err = (proto.MarshalOptions{}).MarshalAppend(s.out[:0], f); err != nil {
		return false
	}
	return s.ws.WriteMessage(websocket.BinaryMessage, s.out) == nil
}

// greet takes the Hello and says Welcome, or that the token is no good.
func (s *session) greet() bool {
	var f clientv1.ClientFrame
	if !s.receive(&f) {
		return false
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(f.GetHello().GetToken(), &claims, func(*jwt.Token) (any, error) { return s.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))
	if err != nil {
		s.send(refuse(f.Seq, clientv1.Code_CODE_UNAUTHENTICATED, "the token is not valid"))
		return false
	}
	s.player = claims.Subject
	return s.send(&clientv1.ServerFrame{Seq: f.Seq, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{Player: s.player}}})
}

// answer answers the next request; false: the connection is over.
func (s *session) answer(ctx context.Context) bool {
	var f clientv1.ClientFrame
	return s.receive(&f) && s.send(s.reply(ctx, &f))
}

func refuse(seq uint64, c clientv1.Code, text string) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Error{Error: &clientv1.Error{Code: c, Text: text}}}
}
