package ctl

import (
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// studio is a node that records.
type studio struct {
	node
	recording adminv1.Recording
}

func (s *studio) StartRecording(context.Context, *connect.Request[adminv1.StartRecordingRequest]) (*connect.Response[adminv1.StartRecordingResponse], error) {
	if s.recording.On {
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("under way already"))
	}
	s.recording.On, s.recording.Started, s.recording.File = true, timestamppb.Now(), "/tapes/n1-001.tape"
	return connect.NewResponse(&adminv1.StartRecordingResponse{Recording: &s.recording}), nil
}

func (s *studio) StopRecording(context.Context, *connect.Request[adminv1.StopRecordingRequest]) (*connect.Response[adminv1.StopRecordingResponse], error) {
	s.recording.On, s.recording.Records, s.recording.Dropped, s.recording.Bytes = false, 1234, 5, 3<<20
	return connect.NewResponse(&adminv1.StopRecordingResponse{Recording: &s.recording}), nil
}

func (s *studio) RecordingStatus(context.Context, *connect.Request[adminv1.RecordingStatusRequest]) (*connect.Response[adminv1.RecordingStatusResponse], error) {
	return connect.NewResponse(&adminv1.RecordingStatusResponse{Recording: &s.recording}), nil
}

func TestRecord(t *testing.T) {
	s := new(studio)
	data := serve(t, s)
	for _, tc := range []struct {
		command string
		want    []string
		status  int
	}{
		{"status", []string{"nothing was recorded"}, 0},
		{"start", []string{"recording", "/tapes/n1-001.tape", "hashed"}, 0},
		{"start", nil, exit.Refused},
		{"stop", []string{"ended", "1234", "5", "MiB"}, 0},
		{"status", []string{"ended", "1234"}, 0},
	} {
		out, _, err := ctl(t, "record", tc.command, "--data", data)
		if exit.Status(err) != tc.status {
			t.Errorf("record %s: %v, want status %d", tc.command, err, tc.status)
		}
		for _, want := range tc.want {
			if !strings.Contains(out, want) {
				t.Errorf("record %s: got\n%s\nwant %q", tc.command, out, want)
			}
		}
	}
	s.recording.Error, s.recording.Players = "no space left on device", true
	if out, _, err := ctl(t, "record", "status", "--data", data); err != nil || !strings.Contains(out, "ended by itself: no space left") || !strings.Contains(out, "named") {
		t.Errorf("%v\n%s", err, out)
	}
}
