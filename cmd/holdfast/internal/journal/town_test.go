package journal

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/internal/devstack"
	"github.com/holdfast-game/holdfast/shard/journal"
)

// town is a cluster without nodes: the test writes its logs.
type town struct {
	t     *testing.T
	stack *devstack.Stack
	view  *cluster.View
	js    jetstream.JetStream
}

// townShards is how many shards it has.
const townShards = 4

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, stack: devstack.Test(t)}
	client, err := cluster.Connect(cluster.ConnectConfig{Endpoints: w.stack.EtcdEndpoints()})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	w.view, err = cluster.OpenView(t.Context(), client, cluster.Config{Shards: townShards})
	must(t, err)
	t.Cleanup(w.view.Close)
	conn, err := w.stack.ConnectNATS()
	must(t, err)
	t.Cleanup(conn.Close)
	w.js, err = jetstream.New(conn)
	must(t, err)
	return w
}

// writer opens the log of an incarnation.
func (w *town) writer(inc cluster.Incarnation) *journal.Log {
	w.t.Helper()
	l, err := journal.Open(w.t.Context(), w.js, journal.Config{
		Cluster: w.view.ClusterID(), Name: w.logName(inc), Incarnation: inc,
	})
	must(w.t, err)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = l.Close(ctx) // tests that care have closed it before
	})
	return l
}

func (w *town) logName(inc cluster.Incarnation) cluster.LogName {
	return cluster.LogName("hf_" + w.view.ClusterID() + "_log_" + string(inc))
}

// add appends one entry with these records, and waits until it is durable.
func (w *town) add(l *journal.Log, records ...journal.Record) {
	w.t.Helper()
	var batch []byte
	for i := range records {
		batch = journal.AppendRecord(batch, &records[i])
	}
	end, err := l.Append(batch, len(records))
	must(w.t, err)
	must(w.t, l.Wait(w.t.Context(), end))
}

// run runs `log` with these arguments, as an operator would, and returns what it
// prints.
func (w *town) run(args ...string) (string, error) {
	c := Command("test", []actors.Kind{tallyKind()})
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append(args, "--etcd", w.stack.EtcdEndpoints()[0], "--nats", w.stack.NATSURL()))
	err := c.ExecuteContext(w.t.Context())
	return out.String(), err
}

// tally is a sum that its events add to.
type tally struct{ sum int64 }

func tallyKind() actors.Kind {
	number := func() proto.Message { return new(wrapperspb.Int64Value) }
	return actors.Kind{Name: "tally", Event: number, State: number, New: func(string) actors.Behaviour { return new(tally) }}
}

// unbearable is an amount that a tally does not take.
const unbearable = 666

func (c *tally) Decide(*actors.Env, *actors.Message, *actors.Decision) error { return nil }

func (c *tally) Apply(e proto.Message) error {
	n := e.(*wrapperspb.Int64Value).GetValue()
	if n == unbearable {
		return errors.New("unbearable")
	}
	c.sum += n
	return nil
}

func (c *tally) Snapshot() proto.Message { return wrapperspb.Int64(c.sum) }

func (c *tally) Restore(s proto.Message) error {
	c.sum = s.(*wrapperspb.Int64Value).GetValue()
	return nil
}

// plus is the record of a tally's seq-th event. Which shard it is in does not
// depend on its name here.
func plus(shard cluster.ShardID, epoch cluster.Epoch, id string, seq uint64, amount int64) journal.Record {
	event, err := proto.Marshal(wrapperspb.Int64(amount))
	if err != nil {
		panic(err) // numbers can be encoded
	}
	return journal.Record{Shard: shard, Epoch: epoch, Kind: "tally", ID: id, Seq: seq, Event: event}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
