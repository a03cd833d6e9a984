package admin_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/holdfast-game/holdfast/bench/tape"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/admin"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
)

// tapes plays a node that records, unless err says that it cannot.
type tapes struct {
	status tape.Status
	err    error
}

func (t *tapes) Start() error {
	switch {
	case t.err != nil:
		return t.err
	case t.status.On:
		return tape.ErrRecording
	}
	t.status = tape.Status{On: true, Started: time.Unix(1_800_000_000, 0), Dir: "/tapes", File: "/tapes/1.tape", Files: 1}
	return nil
}

func (t *tapes) Stop() (tape.Status, error) {
	if !t.status.On {
		return t.status, tape.ErrNotRecording
	}
	t.status.On, t.status.Records, t.status.Dropped, t.status.Bytes = false, 9, 2, 4096
	return t.status, nil
}

func (t *tapes) Status() tape.Status { return t.status }

func TestRecording(t *testing.T) {
	d := openDesk(t)
	ctx := t.Context()
	status := func() *adminv1.Recording {
		t.Helper()
		resp, err := d.client.RecordingStatus(ctx, connect.NewRequest(new(adminv1.RecordingStatusRequest)))
		if err != nil {
			t.Fatal(err)
		}
		return resp.Msg.GetRecording()
	}
	start := func() error {
		_, err := d.client.StartRecording(ctx, connect.NewRequest(new(adminv1.StartRecordingRequest)))
		return err
	}
	stop := func() (*adminv1.Recording, error) {
		resp, err := d.client.StopRecording(ctx, connect.NewRequest(new(adminv1.StopRecordingRequest)))
		if err != nil {
			return nil, err
		}
		return resp.Msg.GetRecording(), nil
	}
	refused := func(what string, err error, words string) {
		t.Helper()
		if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}

	if s := status(); s.GetOn() || s.GetStarted() != nil {
		t.Errorf("before: %v", s)
	}
	_, err := stop()
	refused("stop before", err, "no recording")
	if err := start(); err != nil {
		t.Fatal(err)
	}
	refused("start twice", start(), "under way already")
	if s := status(); !s.GetOn() || s.GetDir() != "/tapes" || s.GetStarted().GetSeconds() != 1_800_000_000 {
		t.Errorf("meanwhile: %v", s)
	}
	if s, err := stop(); err != nil || s.GetOn() || s.GetRecords() != 9 || s.GetDropped() != 2 || s.GetBytes() != 4096 {
		t.Errorf("stop: %v, %v", s, err)
	}
	d.tapes.err = admin.ErrNoGateway
	refused("start without a gateway", start(), "role gateway")
	d.tapes.err = os.ErrPermission
	if err := start(); connect.CodeOf(err) == connect.CodeFailedPrecondition || !strings.Contains(err.Error(), "permission") {
		t.Errorf("start without permission: %v", err)
	}
	d.tapes.status.Err = errors.New("the disk is gone")
	if s := status(); s.GetError() != "the disk is gone" {
		t.Errorf("after a failure: %v", s)
	}
}
