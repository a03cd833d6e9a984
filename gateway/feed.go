package gateway

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
	"github.com/holdfast-game/holdfast/proto/delta"
)

const (
	// silence is how long a cell may say nothing before its keyframe is asked for:
	// its owner speaks at least once a second.
	silence = 2500 * time.Millisecond
	// keyAgain is how soon it is asked for again.
	keyAgain = time.Second
	// earlyFrames is how many frames are kept while the keyframe that they follow
	// is on its way: three seconds at 20 Hz. Beyond it the oldest go, and the
	// keyframe will be asked for again.
	earlyFrames = 64
	// linger is how long a cell is listened to after its last viewer: players walk
	// to and fro.
	linger = 5 * time.Second
)

// feed follows one cell, and has what its viewers need: the frames of a round,
// and a keyframe for those who begin. All of it belongs to the scene's goroutine.
type feed struct {
	sc     *scene
	cell   uint32
	stream uint32
	topic  string

	users       int // viewers
	unused      time.Time
	unsubscribe func() // nil: the bus did not let us

	dec   *delta.Decoder
	live  bool     // dec follows
	gen   uint32   // counts the keyframes that dec began with; 0: none yet
	early [][]byte // not decoded, for want of a keyframe
	heard time.Time
	asked time.Time
	waits bool // for the answer

	// As they go to sockets, in memory that the next round uses again.
	news    []byte // of this round, decoded in order; empty: none
	count   int    // frames in news
	key     []byte // WorldKey of the present state, while keyed
	keyed   bool
	scratch []byte

	// While somebody records: the viewers who were shown news in this round, and
	// those who began with key.
	followed, begun int
}

func (sc *scene) newFeed(cell uint32) *feed {
	f := &feed{
		sc:     sc,
		cell:   cell,
		stream: sc.hall.lastStream.Add(1),
		topic:  fmt.Sprintf("zone.%s.%d", sc.name, cell),
		dec:    delta.NewDecoder(delta.World),
	}
	sc.hall.metrics.cells.Inc()
	// What is published between the subscription and the keyframe is heard.
	f.subscribe()
	return f
}

func (f *feed) subscribe() {
	unsubscribe, err := f.sc.hall.bus.Subscribe(f.topic, func(frame []byte) { f.sc.heard(f, frame) })
	if err != nil {
		f.sc.hall.log.Warn("subscribe to cell", "zone", f.sc.name, "cell", f.cell, "error", err)
		return
	}
	f.unsubscribe = unsubscribe
}

// end forgets the cell.
func (f *feed) end() {
	f.sc.hall.metrics.cells.Dec()
	if f.unsubscribe != nil {
		f.unsubscribe()
	}
}

// keyAnswer waits for a keyframe.
type keyAnswer struct{ f *feed }

func (k keyAnswer) Answered(a *cluster.Answer) {
	k.f.sc.post(func(now time.Time) { k.f.answered(now, a) })
}

// ask asks the zone for a keyframe, at most once per keyAgain.
func (f *feed) ask(now time.Time) {
	if f.waits || now.Sub(f.asked) < keyAgain {
		return
	}
	f.asked, f.waits = now, true
	f.sc.hall.metrics.keysAsked.Inc()
	f.sc.hall.router.Do(&cluster.Command{
		To:     cluster.ActorID{Kind: kindZone, ID: f.sc.name},
		Method: "Key",
		Body:   &clusterv1.ZoneKey{Cell: f.cell},
	}, keyAnswer{f})
}

// answered takes the keyframe, and the frames that came while it was on its way.
func (f *feed) answered(now time.Time, a *cluster.Answer) {
	f.waits = false
	if f.sc.feeds[f.cell] != f {
		return // it has ended meanwhile
	}
	if a.Code != clientv1.Code_CODE_UNSPECIFIED {
		f.sc.hall.log.Debug("keyframe refused", "zone", f.sc.name, "cell", f.cell, "code", codeName(a.Code), "text", a.Text)
		return
	}
	m, err := decodeAnswer[clusterv1.ZoneKeyframe](a)
	if err != nil {
		f.sc.hall.log.Error("decode answer of Key", "zone", f.sc.name, "error", err)
		return
	}
	// If it is stale, nothing has happened since the last frame.
	f.heard = now
	f.decode(now, m.GetFrame())
	early := f.early
	f.early = nil
	for _, frame := range early {
		if f.live {
			f.decode(now, frame)
		}
	}
}

// hear takes a broadcast.
func (f *feed) hear(now time.Time, frame []byte) {
	f.decode(now, frame)
	if f.live {
		f.early = nil
		return
	}
	if len(f.early) == earlyFrames {
		f.early = append(f.early[:0], f.early[1:]...)
	}
	f.early = append(f.early, append([]byte(nil), frame...))
	f.ask(now)
}

// decode follows one frame.
func (f *feed) decode(now time.Time, frame []byte) {
	err := f.dec.Decode(frame)
	switch {
	case errors.Is(err, delta.ErrStale):
		// Of an owner that does not know yet that it is none, or older than the
		// keyframe.
		return
	case err != nil:
		if f.live {
			f.sc.hall.metrics.gaps.Inc()
			f.sc.hall.log.Debug("world frame lost", "zone", f.sc.name, "cell", f.cell, "error", err)
		}
		f.live = false
		return
	}
	f.heard, f.live, f.keyed = now, true, false
	if f.dec.Header().Key {
		f.gen++
		f.news, f.count = f.news[:0], 0
		return
	}
	f.count++
	f.news = appendWorld(f.news, f.stream, frame)
}

// keyframe returns the WorldKey of the present state; nil while there is none.
func (f *feed) keyframe() []byte {
	if !f.live {
		return nil
	}
	if !f.keyed {
		f.scratch = f.dec.Keyframe(f.scratch[:0])
		f.key = appendWorldKey(f.key[:0], f, f.scratch)
		f.keyed = true
	}
	return f.key
}

// endRound forgets the news.
func (f *feed) endRound() { f.news, f.count, f.followed, f.begun = f.news[:0], 0, 0, 0 }

var (
	worldField    = bodyField("world")
	worldKeyField = bodyField("world_key")
)

// Fields of WorldFrame and WorldKey.
const (
	fieldStream   = 1
	fieldFrame    = 2
	fieldZone     = 2
	fieldCell     = 3
	fieldKeyFrame = 4
)

// appendWorld appends a ServerFrame with a WorldFrame as a whole WebSocket
// message.
func appendWorld(dst []byte, stream uint32, frame []byte) []byte {
	size := protowire.SizeTag(fieldStream) + protowire.SizeVarint(uint64(stream)) +
		protowire.SizeTag(fieldFrame) + protowire.SizeBytes(len(frame))
	dst = appendHeader(dst, opBinary, protowire.SizeTag(worldField)+protowire.SizeBytes(size))
	dst = protowire.AppendTag(dst, worldField, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = protowire.AppendTag(dst, fieldStream, protowire.VarintType)
	dst = protowire.AppendVarint(dst, uint64(stream))
	dst = protowire.AppendTag(dst, fieldFrame, protowire.BytesType)
	return protowire.AppendBytes(dst, frame)
}

// appendWorldKey does the same with a WorldKey.
func appendWorldKey(dst []byte, f *feed, frame []byte) []byte {
	size := protowire.SizeTag(fieldStream) + protowire.SizeVarint(uint64(f.stream)) +
		protowire.SizeTag(fieldZone) + protowire.SizeBytes(len(f.sc.name)) +
		protowire.SizeTag(fieldKeyFrame) + protowire.SizeBytes(len(frame))
	if f.cell != 0 {
		size += protowire.SizeTag(fieldCell) + protowire.SizeVarint(uint64(f.cell))
	}
	dst = appendHeader(dst, opBinary, protowire.SizeTag(worldKeyField)+protowire.SizeBytes(size))
	dst = protowire.AppendTag(dst, worldKeyField, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = protowire.AppendTag(dst, fieldStream, protowire.VarintType)
	dst = protowire.AppendVarint(dst, uint64(f.stream))
	dst = protowire.AppendTag(dst, fieldZone, protowire.BytesType)
	dst = protowire.AppendString(dst, f.sc.name)
	if f.cell != 0 {
		dst = protowire.AppendTag(dst, fieldCell, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(f.cell))
	}
	dst = protowire.AppendTag(dst, fieldKeyFrame, protowire.BytesType)
	return protowire.AppendBytes(dst, frame)
}
