package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
)

// named are the values of a folder of etcd in which each value says its own
// name, which is that of its key. It is immutable.
type named[M proto.Message] struct {
	byName map[string]M
	sorted []M // by name
}

// apply returns n with changes of dir. nameOf reads the name in a value.
func (n named[M]) apply(dir string, nameOf func(M) string, cs []change, log *slog.Logger) named[M] {
	next := named[M]{byName: maps.Clone(n.byName)}
	if next.byName == nil {
		next.byName = make(map[string]M, len(cs))
	}
	for _, ch := range cs {
		delete(next.byName, ch.name)
		if ch.deleted {
			continue
		}
		m := fresh[M]()
		err := decode(ch.value, m)
		if err == nil && nameOf(m) != ch.name {
			err = fmt.Errorf("it holds %q", nameOf(m))
		}
		if err != nil {
			skip(log, dir, ch, err)
			continue
		}
		next.byName[ch.name] = m
	}
	next.sorted = slices.SortedFunc(maps.Values(next.byName), func(a, b M) int {
		return strings.Compare(nameOf(a), nameOf(b))
	})
	return next
}

func fresh[M proto.Message]() M {
	var none M
	return none.ProtoReflect().New().Interface().(M)
}

// put writes m under key. allowed is asked about what stands there, if anything
// does; its error is returned as it is.
func put[M proto.Message](ctx context.Context, v *View, what, key string, m M, allowed func(old M) error) error {
	for {
		resp, err := v.client.Get(ctx, key)
		if err != nil {
			return unavailable(what, err)
		}
		var rev int64
		if len(resp.Kvs) > 0 {
			rev = resp.Kvs[0].ModRevision
			old := fresh[M]()
			if err := decode(resp.Kvs[0].Value, old); err != nil {
				return fmt.Errorf("%s: read the present one: %w", what, err)
			}
			if err := allowed(old); err != nil {
				return err
			}
			if proto.Equal(old, m) {
				return nil
			}
		}
		txn, err := v.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", rev)).
			Then(clientv3.OpPut(key, encode(m))).
			Commit()
		if err != nil {
			return unavailable(what, err)
		}
		if txn.Succeeded {
			return nil
		}
		// Somebody changed it since it was read: look again.
	}
}
