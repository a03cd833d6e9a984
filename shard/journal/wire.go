package journal

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/shard/journal/committer"
)

// maxReplies bounds the answers that wait for the committer. It asks at most a
// few questions at a time, so this is only ever reached by late answers; one
// that finds no room is as good as lost, and asked for again.
const maxReplies = 256

// wire is the committer's end of the NATS connection: it publishes entries and
// asks for them without waiting, and everything comes back through one channel.
// jetstream's own asynchronous publishing would retry and time out by rules of
// its own, and has no way to tell that the connection was lost in between.
type wire struct {
	nc       *nats.Conn
	subject  string // of entries
	get      string // of reads
	inbox    string // answers come to <inbox>.<p or r>.<number>.<attempt>
	outgoing func(*nats.Msg) bool

	sub     *nats.Subscription
	replies chan *nats.Msg
	status  chan nats.Status
}

func openWire(js jetstream.JetStream, cfg Config) (*wire, error) {
	w := &wire{
		nc:       js.Conn(),
		subject:  streamConfig(cfg).Subjects[0],
		get:      directGet(js, cfg.Name),
		inbox:    js.Conn().NewInbox(),
		outgoing: cfg.outgoing,
		replies:  make(chan *nats.Msg, maxReplies),
	}
	var err error
	if w.sub, err = w.nc.ChanSubscribe(w.inbox+".>", w.replies); err != nil {
		return nil, err
	}
	w.status = w.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	return w, nil
}

func (w *wire) close() {
	w.nc.RemoveStatusListener(w.status)
	_ = w.sub.Unsubscribe() // fails only when the connection is gone, and the subscription with it
}

// publish sends entry number, which is only accepted behind number-1.
func (w *wire) publish(number, attempt uint64, entry []byte) error {
	m := &nats.Msg{Subject: w.subject, Reply: w.replyTo('p', number, attempt), Data: entry}
	if committer.NamesPredecessor {
		m.Header = nats.Header{nats.ExpectedLastSeqHdr: {strconv.FormatUint(number-1, 10)}}
	}
	return w.send(m)
}

// read asks for what stands at number.
func (w *wire) read(number, attempt uint64) error {
	req := strconv.AppendUint([]byte(`{"seq":`), number, 10)
	return w.send(&nats.Msg{
		Subject: w.get,
		Reply:   w.replyTo('r', number, attempt),
		Data:    append(req, '}'),
	})
}

func (w *wire) send(m *nats.Msg) error {
	if w.outgoing != nil && !w.outgoing(m) {
		return nil
	}
	return w.nc.PublishMsg(m)
}

func (w *wire) replyTo(what byte, number, attempt uint64) string {
	b := make([]byte, 0, 80)
	b = append(b, w.inbox...)
	b = append(b, '.', what, '.')
	b = strconv.AppendUint(b, number, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, attempt, 10)
	return string(b)
}

// answer turns a message into the machine's input; false if it is none of ours.
func (w *wire) answer(m *nats.Msg) (in committer.Input, ok bool) {
	// what.number.attempt
	token := strings.Split(strings.TrimPrefix(m.Subject, w.inbox+"."), ".")
	if len(token) != 3 {
		return committer.Input{}, false
	}
	number, err := strconv.ParseUint(token[1], 10, 64)
	if err != nil {
		return committer.Input{}, false
	}
	attempt, err := strconv.ParseUint(token[2], 10, 64)
	if err != nil {
		return committer.Input{}, false
	}
	in = committer.Input{Number: number, Attempt: attempt}
	switch token[0] {
	case "p":
		w.published(m, &in)
	case "r":
		w.found(m, &in)
	default:
		return committer.Input{}, false
	}
	return in, true
}

// pubAck is the answer to a publish.
type pubAck struct {
	Seq   uint64              `json:"seq"`
	Error *jetstream.APIError `json:"error"`
}

func (w *wire) published(m *nats.Msg, in *committer.Input) {
	var ack pubAck
	switch err := json.Unmarshal(m.Data, &ack); {
	case err != nil || ack.Error == nil && ack.Seq == 0:
		// Nobody listens (503), or gibberish. Nothing is known.
		in.Kind, in.Err = committer.Failure, nats.ErrNoResponders
	case ack.Error == nil:
		in.Kind, in.Seq = committer.Ack, cluster.LogSeq(ack.Seq)
	case ack.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		in.Kind = committer.Refusal
	default:
		in.Kind, in.Err = committer.Failure, ack.Error
	}
}

func (w *wire) found(m *nats.Msg, in *committer.Input) {
	switch status(m) {
	case "":
		in.Kind, in.Found = committer.Found, new(committer.Entry)
		var e Entry
		if _, _, err := e.head(m.Data); err != nil {
			// Whatever it is, it is neither ours nor a seal.
			in.Err = err
			return
		}
		*in.Found = committer.Entry{Incarnation: e.Incarnation, Number: e.Number, Seal: e.Seal}
	case statusNothing:
		in.Kind = committer.Found
	default:
		in.Kind = committer.ReadFailure
	}
}
