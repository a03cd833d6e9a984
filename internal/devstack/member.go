package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// MemberServer is a running Member.
type MemberServer struct {
	etcd *etcdServer    // nil for NATS
	nats *server.Server // nil for etcd

	closing sync.Once
}

// StartMember starts one server of the cluster that all lays out. It returns
// when the server has read its data and runs; the cluster answers once most of
// its members do. What a member logs goes to logger, more of it than a Stack's:
// elections and lost peers are what one looks for.
func StartMember(name string, all []Member, logger *slog.Logger) (*MemberServer, error) {
	i := slices.IndexFunc(all, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("start member %q: no such member", name)
	}
	for _, m := range all {
		if err := m.validate(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(all[i].Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of %s: %w", name, err)
	}
	s := new(MemberServer)
	var err error
	if all[i].Role == RoleEtcd {
		s.etcd, err = startEtcdMember(all[i], all, logger)
	} else {
		s.nats, err = startNATSMember(all[i], all, logger)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", name, all[i].Client, err)
	}
	return s, nil
}

// errStopped: the server ended although nobody asked it to.
var errStopped = errors.New("the server stopped by itself")

// Wait returns when ctx is done, with nil, or when the server has failed.
func (s *MemberServer) Wait(ctx context.Context) error {
	if s.nats != nil {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.nats.WaitForShutdown() // Close ends it
		}()
		select {
		case <-ctx.Done():
			return nil
		case <-ended:
			return errStopped
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.etcd.Err():
		return err
	case <-s.etcd.Server.StopNotify():
		return errStopped
	}
}

// LeaveRoom lets clients store so many bytes more in NATS, copies included, and
// refuses what is above; a negative number takes the limit off. It holds until
// the server ends. Every NATS server has to be told.
func (s *MemberServer) LeaveRoom(bytes int64) error {
	if s.nats == nil {
		return errors.New("leave room: not a NATS server")
	}
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	account := s.nats.GlobalAccount()
	if bytes >= 0 {
		limits.MaxStore = int64(account.JetStreamUsage().Store) + bytes
	}
	if err := account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		return fmt.Errorf("leave room: %w", err)
	}
	return nil
}

// Close stops the server and waits until it has closed its files.
func (s *MemberServer) Close() {
	s.closing.Do(func() {
		if s.etcd != nil {
			s.etcd.stop()
		} else {
			stopNATS(s.nats)
		}
	})
}
