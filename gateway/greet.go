package gateway

import (
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// greet takes the Hello and says Welcome. False: the connection is closing.
func (s *session) greet() bool {
	if !s.receive() {
		return false
	}
	seq := s.in.GetSeq()
	hello := s.in.GetHello()
	if hello == nil {
		s.sayLast(refuse(seq, clientv1.Code_CODE_UNAUTHENTICATED, "the first frame must be a Hello"),
			websocket.ClosePolicyViolation, reasonUnauthenticated)
		return false
	}
	if seq == 0 {
		s.sayLast(refuse(0, clientv1.Code_CODE_INVALID_ARGUMENT, "seq must not be 0"),
			websocket.ClosePolicyViolation, reasonUnauthenticated)
		return false
	}
	player, err := s.g.auth.Verify(hello.GetToken())
	if err != nil {
		s.log().Debug("hello refused", "client", clip(hello.GetClient()), "error", err)
		s.sayLast(refuse(seq, clientv1.Code_CODE_UNAUTHENTICATED, "%s", err),
			websocket.ClosePolicyViolation, reasonUnauthenticated)
		return false
	}
	s.player = player
	next, refused := s.attach(seq)
	if refused != nil {
		s.sayLast(refused, websocket.CloseTryAgainLater, reasonAttachFailed)
		return false
	}
	s.recordOpened()
	s.log().Debug("session began", "player", player, "client", clip(hello.GetClient()), "subprotocol", s.codec.subprotocol())
	s.wire.greeted()
	return s.say(&clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Welcome{Welcome: &clientv1.Welcome{
		Session:     s.id,
		Player:      player,
		ServerTime:  timestamppb.Now(),
		Limits:      s.g.limits,
		NextRequest: next,
	}}})
}

// clip keeps what a client says about itself from filling the log.
func clip(s string) string { return s[:min(len(s), 64)] }

// attached is a Waiter that hands the answer over.
type attached chan *cluster.Answer

func (a attached) Answered(ans *cluster.Answer) { a <- ans }

// attachTimeout is longer than a router's deadline: it only guards against one
// that never answers.
const attachTimeout = 10 * time.Second

// attach asks the player actor for the number of its next request.
func (s *session) attach(seq uint64) (next uint64, refused *clientv1.ServerFrame) {
	answer := make(attached, 1)
	s.g.router.Do(&cluster.Command{
		To:     cluster.ActorID{Kind: kindPlayer, ID: s.player},
		Caller: cluster.Caller{Player: s.player},
		Method: "Attach",
		Body:   &clusterv1.Attach{},
	}, answer)
	timeout := time.NewTimer(attachTimeout)
	defer timeout.Stop()
	var ans *cluster.Answer
	select {
	case ans = <-answer:
	case <-s.written: // drained or closed meanwhile: nobody will read this
		return 0, refuse(seq, clientv1.Code_CODE_UNAVAILABLE, "this gateway is going away")
	case <-timeout.C:
		return 0, retryLater(seq, clientv1.Code_CODE_UNAVAILABLE, time.Second, "the player could not be reached")
	}
	if ans.Code != clientv1.Code_CODE_UNSPECIFIED {
		return 0, refusal(seq, ans)
	}
	reply, err := decodeAnswer[clusterv1.Attached](ans)
	if err != nil {
		s.log().Error("decode answer of Attach", "player", s.player, "error", err)
		return 0, refuse(seq, clientv1.Code_CODE_INTERNAL, "the player's answer could not be read")
	}
	return reply.GetNextRequest(), nil
}

// decodeAnswer returns the body of a successful answer, wherever it came from.
func decodeAnswer[M any, P interface {
	*M
	proto.Message
}](a *cluster.Answer) (P, error) {
	if a.Body != nil {
		m, ok := a.Body.(P)
		if !ok {
			return nil, unexpectedAnswer(a.Body)
		}
		return m, nil
	}
	m := P(new(M))
	return m, proto.Unmarshal(a.Payload, m)
}
