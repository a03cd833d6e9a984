package admin

import (
	"context"
	"encoding/json"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/shard"
)

// usualLetters is how many letters are returned when no number is asked for.
const usualLetters = 100

// DeadLetters lists the messages that made their actors fail.
func (s *Service) DeadLetters(ctx context.Context, req *connect.Request[adminv1.DeadLettersRequest]) (*connect.Response[adminv1.DeadLettersResponse], error) {
	ctx, cancel := context.WithTimeout(ctx, natsPatience)
	defer cancel()
	limit, err := limitOf("dead letters", req.Msg.GetLimit(), usualLetters)
	if err != nil {
		return nil, err
	}
	letters, kept, err := s.letters.List(ctx, shard.LetterID(req.Msg.GetAfter()), limit)
	if err != nil {
		return nil, ofStream(err)
	}
	out := &adminv1.DeadLettersResponse{Kept: kept}
	for i := range letters {
		out.Letters = append(out.Letters, letter(&letters[i]))
	}
	return connect.NewResponse(out), nil
}

func letter(l *shard.KeptLetter) *adminv1.DeadLetter {
	out := &adminv1.DeadLetter{
		Id: uint64(l.ID), At: timestamppb.New(l.At), Shard: uint32(l.Shard), Actor: l.Actor, From: l.From, Player: l.Player,
		Operator: l.Operator, Method: l.Method, Request: l.Request, Type: l.Type, Error: l.Error,
	}
	// protojson varies its spaces, and the letter was written by another process.
	var body any
	if err := json.Unmarshal(l.Body, &body); err == nil {
		if text, err := json.Marshal(body); err == nil {
			out.Body = string(text)
		}
	}
	return out
}

// DropDeadLetters forgets letters. Of several it forgets all up to the first that
// is not there.
func (s *Service) DropDeadLetters(ctx context.Context, req *connect.Request[adminv1.DropDeadLettersRequest]) (*connect.Response[adminv1.DropDeadLettersResponse], error) {
	ids, through := req.Msg.GetIds(), req.Msg.GetThrough()
	if (len(ids) > 0) == (through > 0) {
		return nil, invalid("drop dead letters: give either ids or through")
	}
	if len(ids) > maxRecords {
		return nil, invalid("drop dead letters: ids: %d of them, must be at most %d", len(ids), maxRecords)
	}
	out := new(adminv1.DropDeadLettersResponse)
	if through > 0 {
		var err error
		if out.Dropped, err = s.letters.DropThrough(ctx, shard.LetterID(through)); err != nil {
			return nil, ofStream(err)
		}
		return connect.NewResponse(out), nil
	}
	for _, id := range ids {
		if err := s.letters.Drop(ctx, shard.LetterID(id)); err != nil {
			return nil, ofStream(err)
		}
		out.Dropped++
	}
	return connect.NewResponse(out), nil
}
