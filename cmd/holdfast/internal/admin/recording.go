package admin

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/bench/tape"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// ErrNoGateway: the node has no clients to record.
var ErrNoGateway = errors.New("this node has no role gateway, so there are no clients to record")

// StartRecording begins a recording.
func (s *Service) StartRecording(context.Context, *connect.Request[adminv1.StartRecordingRequest]) (*connect.Response[adminv1.StartRecordingResponse], error) {
	if err := s.tapes.Start(); err != nil {
		return nil, ofTapes("start recording", err)
	}
	return connect.NewResponse(&adminv1.StartRecordingResponse{Recording: recordingOf(s.tapes.Status())}), nil
}

// StopRecording ends it.
func (s *Service) StopRecording(context.Context, *connect.Request[adminv1.StopRecordingRequest]) (*connect.Response[adminv1.StopRecordingResponse], error) {
	status, err := s.tapes.Stop()
	if err != nil {
		return nil, ofTapes("stop recording", err)
	}
	return connect.NewResponse(&adminv1.StopRecordingResponse{Recording: recordingOf(status)}), nil
}

// RecordingStatus tells how it gets on.
func (s *Service) RecordingStatus(context.Context, *connect.Request[adminv1.RecordingStatusRequest]) (*connect.Response[adminv1.RecordingStatusResponse], error) {
	return connect.NewResponse(&adminv1.RecordingStatusResponse{Recording: recordingOf(s.tapes.Status())}), nil
}

// ofTapes gives an error of package tape its code.
func ofTapes(what string, err error) error {
	for _, sentinel := range []error{tape.ErrRecording, tape.ErrNotRecording, ErrNoGateway} {
		if errors.Is(err, sentinel) {
			return refused("%s: %s", what, err)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func recordingOf(s tape.Status) *adminv1.Recording {
	m := &adminv1.Recording{
		On: s.On, Dir: s.Dir, File: s.File, Files: uint32(s.Files), Records: s.Records, Bytes: uint64(s.Bytes), Dropped: s.Dropped, Players: s.Players,
	}
	if !s.Started.IsZero() {
		m.Started = timestamppb.New(s.Started)
	}
	if s.Err != nil {
		m.Error = s.Err.Error()
	}
	return m
}
