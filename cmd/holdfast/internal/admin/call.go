package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// patience bounds a call whose operator has set no deadline. It is longer than
// a failover, which a single command is not.
const patience = 30 * time.Second

// call asks an actor as an operator, again while the answer is that it may help.
// The request must therefore be one that can be repeated.
func (s *Service) call(ctx context.Context, to cluster.ActorID, method string, request, reply proto.Message) error {
	a, err := s.submit(ctx, &cluster.Command{To: to, Caller: cluster.Caller{Admin: true}, Method: method, Body: request})
	if err != nil {
		return err
	}
	if a.Code != clientv1.Code_CODE_UNSPECIFIED {
		return refusal(to, a)
	}
	return decode(a, reply)
}

// submit sends a command, again while the answer is that it may help, and returns
// the last answer.
func (s *Service) submit(ctx context.Context, c *cluster.Command) (*cluster.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		again := *c // the router keeps what it is given
		a, err := s.router.Call(ctx, &again)
		if err != nil {
			return nil, ofContext(fmt.Errorf("ask %s: %w", c.To, err))
		}
		if a.Code == clientv1.Code_CODE_UNSPECIFIED || a.RetryAfterMs == 0 {
			return a, nil
		}
		pause := time.NewTimer(time.Duration(a.RetryAfterMs) * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return a, nil
		}
	}
}

// refusal is an answer that is not a success, as an error.
func refusal(to cluster.ActorID, a *cluster.Answer) error {
	return connect.NewError(codeOf(a.Code), fmt.Errorf("%s answers %s: %s", to, a.Code, a.Text))
}

// decode copies the reply out of an answer.
func decode(a *cluster.Answer, reply proto.Message) error {
	if a.Body == nil {
		if err := proto.Unmarshal(a.Payload, reply); err != nil {
			return fmt.Errorf("decode %T: %w", reply, err)
		}
		return nil
	}
	if got, want := a.Body.ProtoReflect().Descriptor(), reply.ProtoReflect().Descriptor(); got != want {
		return fmt.Errorf("the answer is a %s, not a %s", got.FullName(), want.FullName())
	}
	proto.Merge(reply, a.Body)
	return nil
}

func ofContext(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, err)
	}
	return connect.NewError(connect.CodeCanceled, err)
}

// codeOf translates what actors answer to players into what operators expect.
func codeOf(c clientv1.Code) connect.Code {
	switch c {
	case clientv1.Code_CODE_INVALID_ARGUMENT:
		return connect.CodeInvalidArgument
	case clientv1.Code_CODE_NOT_FOUND:
		return connect.CodeNotFound
	case clientv1.Code_CODE_UNAUTHENTICATED:
		return connect.CodePermissionDenied
	case clientv1.Code_CODE_UNAVAILABLE:
		return connect.CodeUnavailable
	case clientv1.Code_CODE_OVERLOADED, clientv1.Code_CODE_RATE_LIMITED, clientv1.Code_CODE_LIMIT_REACHED:
		return connect.CodeResourceExhausted
	case clientv1.Code_CODE_INTERNAL:
		return connect.CodeInternal
	default:
		return connect.CodeFailedPrecondition
	}
}
