package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

func injectNATSRestart(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	m, err := c.aMember("nats", f.Dice)
	if err != nil {
		return nil, err
	}
	return c.lose(m)
}

func injectEtcdLeader(ctx context.Context, c *cluster, _ *Fault) (*injury, error) {
	m, err := c.stack.leader(ctx)
	if err != nil {
		return nil, skip(err.Error())
	}
	return c.lose(m)
}

func injectMemberLost(_ context.Context, c *cluster, f *Fault) (*injury, error) {
	var lost []member
	for i, role := range []string{"etcd", "nats"} {
		m, err := c.aMember(role, f.Dice>>(8*i))
		if err != nil {
			return nil, err
		}
		lost = append(lost, m)
	}
	return c.lose(lost...)
}

// aMember chooses a member with a role.
func (c *cluster) aMember(role string, dice uint64) (member, error) {
	members, err := c.stack.members(role)
	if err != nil {
		return member{}, err
	}
	return members[dice%uint64(len(members))], nil
}

// lose kills members until they are healed. It does not take a second one of a
// kind: what is broken shall be what the kind of fault says.
func (c *cluster) lose(lost ...member) (*injury, error) {
	d, err := c.stack.read()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range lost {
		names = append(names, l.Name)
		for _, m := range d.Members {
			if m.Role == l.Role && m.PID == 0 {
				return nil, skip(m.Name + " is down already")
			}
		}
	}
	i := &injury{target: strings.Join(names, " and "), heal: func(ctx context.Context) error { return c.revive(ctx, names...) }}
	for _, l := range lost {
		if err := c.stack.kill(l); err != nil {
			return nil, errors.Join(err, i.heal(context.Background()))
		}
	}
	return i, nil
}

// revive starts members that are down again, and leaves alone those that run.
func (c *cluster) revive(ctx context.Context, names ...string) error {
	var err error
	for _, name := range names {
		// The supervisor has noticed the end of a process that was killed a moment
		// ago, or starts it after ending it: either way it comes back.
		if e := c.stack.restart(ctx, name); e != nil {
			err = errors.Join(err, fmt.Errorf("bring %s back: %w", name, e))
		}
	}
	return err
}
