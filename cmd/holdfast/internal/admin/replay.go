package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/holdfast-game/holdfast/actors/player"
	"github.com/holdfast-game/holdfast/cluster"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/shard"
)

const (
	// renumberings is how often a replay takes another number when the player has
	// used the one chosen for something else meanwhile.
	renumberings = 3
	// newsPatience is how long a failure may take to become a letter.
	newsPatience = 2 * time.Second
	newsEvery    = 50 * time.Millisecond
)

// ReplayDeadLetter submits a kept command again.
//
// The number that the new request gets is noted with the letter before anything
// is sent. Whoever asks again, because no answer came or this node died, so asks
// for the same request, which the actor's request table makes happen once.
func (s *Service) ReplayDeadLetter(ctx context.Context, req *connect.Request[adminv1.ReplayDeadLetterRequest]) (*connect.Response[adminv1.ReplayDeadLetterResponse], error) {
	id := shard.LetterID(req.Msg.GetId())
	l, err := s.letters.Get(ctx, id)
	if err != nil {
		return nil, ofStream(err)
	}
	r, err := newReplay(s, l, req.Msg.GetRequest())
	if err != nil {
		return nil, err
	}
	out := &adminv1.ReplayDeadLetterResponse{Id: req.Msg.GetId()}
	var a *cluster.Answer
	for range renumberings {
		if out.Request, err = r.claim(ctx); err != nil {
			return nil, err
		}
		if a, err = s.submit(ctx, r.command(out.GetRequest())); err != nil {
			return nil, wrap(err, "replay dead letter %s as request %d", id, out.GetRequest())
		}
		if !void(a.Code) {
			break
		}
		if err := s.letters.Unclaim(ctx, id); err != nil {
			return nil, ofStream(err)
		}
		// Either the request can never be right, or the player has used the number
		// for something else by now.
		if used, err := r.used(ctx, out.GetRequest()); err != nil || !used {
			break
		}
	}
	out.Code, out.Text = a.Code, a.Text
	switch {
	case answered(a.Code):
		out.Dropped = true
	case a.Code == clientv1.Code_CODE_INTERNAL:
		// The same has failed again, and the newer letter says how.
		out.Again = uint64(s.successor(ctx, &l, out.GetRequest()))
		out.Dropped = out.GetAgain() != 0
	}
	if out.GetDropped() {
		if err := s.letters.Drop(ctx, id); err != nil && !errors.Is(err, shard.ErrNoLetter) {
			return nil, ofStream(fmt.Errorf("the command was submitted as request %d, with the answer %s; but: %w", out.GetRequest(), a.Code, err))
		}
	}
	return connect.NewResponse(out), nil
}

// answered says whether an answer settles a command for good.
func answered(c clientv1.Code) bool {
	switch c {
	case clientv1.Code_CODE_UNSPECIFIED, clientv1.Code_CODE_SOLD_OUT, clientv1.Code_CODE_INSUFFICIENT_FUNDS,
		clientv1.Code_CODE_LIMIT_REACHED, clientv1.Code_CODE_NOT_ON_SALE, clientv1.Code_CODE_PRICE_CHANGED:
		return true
	}
	return false
}

// void says that nothing was done under a number, and never will be: the next
// replay is free to choose another.
func void(c clientv1.Code) bool {
	switch c {
	case clientv1.Code_CODE_INVALID_ARGUMENT, clientv1.Code_CODE_NOT_FOUND, clientv1.Code_CODE_UNAUTHENTICATED:
		return true
	}
	return false
}

// replay is a letter that is about to be submitted.
type replay struct {
	s      *Service
	letter *shard.KeptLetter
	to     cluster.ActorID
	body   proto.Message
	// number is the one that the operator has chosen, or 0.
	number uint64
}

func newReplay(s *Service, l shard.KeptLetter, number uint64) (*replay, error) {
	kind, actor, ok := strings.Cut(l.Actor, "/")
	r := &replay{s: s, letter: &l, to: cluster.ActorID{Kind: kind, ID: actor}, number: number}
	switch {
	case !ok:
		return nil, refused("replay dead letter %s: %q is no actor", l.ID, l.Actor)
	case l.Method == "":
		return nil, refused("replay dead letter %s: it is no command: what actors say to each other is repeated by them, and timers by themselves", l.ID)
	case l.Request == 0 && number != 0:
		return nil, invalid("replay dead letter %s: request: %d, must be absent: its command has no number", l.ID, number)
	case l.Request != 0 && number == 0 && !r.knowsNext():
		return nil, invalid("replay dead letter %s: request: must be given: %s does not say which number is next", l.ID, l.Actor)
	}
	var err error
	if r.body, err = bodyOf(&l); err != nil {
		return nil, refused("replay dead letter %s: %w", l.ID, err)
	}
	return r, nil
}

// bodyOf decodes what the actor was asked.
func bodyOf(l *shard.KeptLetter) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(l.Type))
	if err != nil {
		return nil, fmt.Errorf("a %q cannot be decoded here: %w", l.Type, err)
	}
	body := kind.New().Interface()
	if l.Payload != nil {
		return body, proto.Unmarshal(l.Payload, body)
	}
	return body, protojson.Unmarshal(l.Body, body) // of a letter without payload, which an empty message has not either
}

// knowsNext says whether the actor tells which request number is next for the
// caller: players do, for themselves.
func (r *replay) knowsNext() bool {
	return r.to.Kind == player.KindName && r.letter.Player == r.to.ID
}

// claim chooses the number of the new request, unless one was chosen before.
func (r *replay) claim(ctx context.Context) (uint64, error) {
	if n, ok, err := r.s.letters.Claimed(ctx, r.letter.ID); err != nil || ok {
		return n, ofStream(err)
	}
	n := r.number
	if n == 0 && r.letter.Request != 0 {
		var err error
		if n, err = r.next(ctx); err != nil {
			return 0, err
		}
	}
	n, err := r.s.letters.Claim(ctx, r.letter.ID, n)
	return n, ofStream(err)
}

// next asks the player which number is next.
func (r *replay) next(ctx context.Context) (uint64, error) {
	a, err := r.s.submit(ctx, &cluster.Command{To: r.to, Caller: r.caller(), Method: player.MethodAttach, Body: new(clusterv1.Attach)})
	if err != nil {
		return 0, err
	}
	if a.Code != clientv1.Code_CODE_UNSPECIFIED {
		return 0, refusal(r.to, a)
	}
	var attached clusterv1.Attached
	err = decode(a, &attached)
	return attached.GetNextRequest(), err
}

// used says whether the player has used a number for something else.
func (r *replay) used(ctx context.Context, number uint64) (bool, error) {
	if r.number != 0 || !r.knowsNext() {
		return false, nil
	}
	next, err := r.next(ctx)
	return next > number, err
}

func (r *replay) caller() cluster.Caller {
	return cluster.Caller{Player: r.letter.Player, Admin: r.letter.Operator}
}

// command is what was asked, under a new number.
func (r *replay) command(number uint64) *cluster.Command {
	body := r.body
	if b, ok := body.(*clientv1.Buy); ok { // the number is part of what it says
		b = proto.CloneOf(b)
		b.Request = number
		body = b
	}
	return &cluster.Command{To: r.to, Caller: r.caller(), Method: r.letter.Method, Request: number, Body: body}
}

// successor waits for the letter of a replay that has failed again, and returns
// its number; 0 if none comes.
func (s *Service) successor(ctx context.Context, l *shard.KeptLetter, number uint64) shard.LetterID {
	ctx, cancel := context.WithTimeout(ctx, newsPatience)
	defer cancel()
	tick := time.NewTicker(newsEvery)
	defer tick.Stop()
	after := l.ID
	for {
		letters, _, err := s.letters.List(ctx, after, maxRecords)
		if err != nil {
			return 0
		}
		for _, n := range letters {
			after = n.ID
			if n.Actor == l.Actor && n.Method == l.Method && n.Player == l.Player && n.Operator == l.Operator && n.Request == number {
				return n.ID
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0
		}
	}
}
