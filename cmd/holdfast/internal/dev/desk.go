package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
)

const (
	socketFile = "dev.sock"
	// answerPatience bounds one request and its answer, which to a restart comes
	// when the old process of the member has ended.
	answerPatience = 2 * endPatience
)

// request asks the supervisor to start a member again, or, with room, to have
// NATS leave so many bytes.
type request struct {
	name   string
	room   *int64
	answer chan<- answer // has room
}

type answer struct {
	pid int
	err error
}

// wireRequest and wireAnswer are what goes over the socket, as JSON.
type wireRequest struct {
	Restart string `json:"restart,omitempty"`
	Room    *int64 `json:"room,omitempty"`
}

type wireAnswer struct {
	PID   int    `json:"pid,omitempty"`
	Error string `json:"error,omitempty"`
}

// desk takes requests from other processes of the same user.
type desk struct {
	listener net.Listener
	asked    chan<- request
	closed   chan struct{}
	all      sync.WaitGroup
}

// listen takes requests in dir and hands them to asked, until close.
func listen(dir string, asked chan<- request) (*desk, error) {
	name := filepath.Join(dir, socketFile)
	// Whoever holds the folder's lock may remove what a predecessor left.
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		return nil, fmt.Errorf("listen for requests (the folder's name may be too long for a socket): %w", err)
	}
	d := &desk{listener: l, asked: asked, closed: make(chan struct{})}
	d.all.Go(d.serve)
	return d, nil
}

func (d *desk) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return // closed
		}
		d.all.Go(func() { d.take(conn) })
	}
}

// take answers one request.
func (d *desk) take(conn net.Conn) {
	defer func() { _ = conn.Close() }() // the answer was written, or nobody waits for it
	_ = conn.SetDeadline(time.Now().Add(answerPatience))
	var in wireRequest
	if json.NewDecoder(conn).Decode(&in) != nil {
		return // not one of ours
	}
	answers := make(chan answer, 1)
	var a answer
	select {
	case d.asked <- request{in.Restart, in.Room, answers}:
		select {
		case a = <-answers:
		case <-d.closed:
			return
		}
	case <-d.closed:
		return
	}
	out := wireAnswer{PID: a.pid}
	if a.err != nil {
		out.Error = a.err.Error()
	}
	_ = json.NewEncoder(conn).Encode(out) // whoever asked may be gone
}

func (d *desk) close() {
	close(d.closed)
	_ = d.listener.Close() // takes the socket's file along
	d.all.Wait()
}

// ask asks the supervisor of a folder for something.
func ask(data string, request wireRequest) (pid int, err error) {
	conn, err := net.DialTimeout("unix", filepath.Join(data, socketFile), answerPatience)
	if err != nil {
		return 0, exit.Unstarted(fmt.Errorf("no holdfast dev with processes runs in %s: %w", data, err))
	}
	defer func() { _ = conn.Close() }() // nothing is under way
	_ = conn.SetDeadline(time.Now().Add(answerPatience))
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return 0, fmt.Errorf("ask holdfast dev: %w", err)
	}
	var a wireAnswer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		return 0, fmt.Errorf("ask holdfast dev: %w", err)
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	return a.PID, nil
}
