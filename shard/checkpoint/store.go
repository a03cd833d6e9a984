package checkpoint

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/cluster/streams"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Store is the object store of one cluster's checkpoints. Its methods can be
// called from any goroutine.
type Store struct {
	bucket  string
	objects jetstream.ObjectStore
	stream  jetstream.Stream
	// stall is stallTimeout, but for tests.
	stall time.Duration
}

// chunkSize is how much of an object is one message: few syncs, and far below
// the 1 MiB that NATS takes.
const chunkSize = 256 << 10

// maxObject bounds what is set aside for an object before it was read.
const maxObject = 64 << 20

// stallTimeout bounds one question to the object store. Its answer is one message:
// if it takes longer the server is gone, and another one is asked.
const stallTimeout = 2 * time.Second

var errStalled = errors.New("no answer in time")

// Open returns the store of the cluster, made if need be with so many replicas
// (1, 3 or 5). Of a store that exists already, replicas stay as they are.
func Open(ctx context.Context, js jetstream.JetStream, clusterID string, replicas int) (*Store, error) {
	s := &Store{bucket: bucketOf(clusterID), stall: stallTimeout}
	var err error
	s.objects, err = streams.Insist(ctx, func(ctx context.Context) (jetstream.ObjectStore, error) {
		objects, err := js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket:      s.bucket,
			Description: "Holdfast checkpoints",
			Storage:     jetstream.FileStorage,
			Replicas:    replicas,
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			return js.ObjectStore(ctx, s.bucket)
		}
		return objects, err
	})
	if err != nil {
		return nil, fmt.Errorf("open checkpoint store %s: %w", s.bucket, err)
	}
	s.stream, err = streams.Insist(ctx, func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, "OBJ_"+s.bucket) })
	if err != nil {
		return nil, fmt.Errorf("open checkpoint store %s: %w", s.bucket, err)
	}
	return s, nil
}

// Find returns the store of a cluster if it has one. ErrNoStore.
func Find(ctx context.Context, js jetstream.JetStream, clusterID string) (*Store, error) {
	s := &Store{bucket: bucketOf(clusterID), stall: stallTimeout}
	var err error
	if s.objects, err = js.ObjectStore(ctx, s.bucket); err == nil {
		s.stream, err = js.Stream(ctx, "OBJ_"+s.bucket)
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		err = ErrNoStore
	}
	if err != nil {
		return nil, fmt.Errorf("find checkpoint store %s: %w", s.bucket, err)
	}
	return s, nil
}

func bucketOf(clusterID string) string { return "hf_" + clusterID + "_checkpoints" }

// objectName is unique as long as the owner of the shard does not use n twice:
// there is one owner in each epoch.
func objectName(shard cluster.ShardID, epoch cluster.Epoch, n int) string {
	return fmt.Sprintf("shard-%d-epoch-%d-%d", shard, epoch, n)
}

// Write makes the n-th object of the shard in this epoch from the actors that
// each yields. It calls each once and is done with what yield is given when
// yield returns. An object that was begun and fails is removed again.
func (s *Store) Write(ctx context.Context, shard cluster.ShardID, epoch cluster.Epoch, n int, each func(yield func(Actor) error) error) (*clusterv1.Part, error) {
	name := objectName(shard, epoch, n)
	r, w := io.Pipe()
	type result struct {
		info *jetstream.ObjectInfo
		err  error
	}
	stored := make(chan result, 1)
	go func() {
		info, err := s.objects.Put(ctx, jetstream.ObjectMeta{
			Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunkSize},
		}, r)
		_ = r.CloseWithError(err) // never fails; the writer sees err
		stored <- result{info, err}
	}()
	// The pipe passes on what it gets piece by piece, and each is a message.
	buf := bufio.NewWriterSize(w, chunkSize)
	err := encode(buf, each)
	if err == nil {
		err = buf.Flush()
	}
	_ = w.CloseWithError(err) // never fails; nil is the end of the object
	put := <-stored
	if err == nil {
		err = put.err
	}
	if err != nil {
		return nil, fmt.Errorf("write checkpoint object %s: %w", name, err)
	}
	return &clusterv1.Part{Object: name, Digest: put.info.Digest, Bytes: put.info.Size}, nil
}

// Read passes on the actors of all parts in order, the base first. An actor
// comes once for each part that has it; the last is the newest. Each object is
// verified before anything of it is passed on. It returns ErrNotFound,
// ErrCorrupt or the error of fn, which may keep the actors.
func (s *Store) Read(ctx context.Context, parts []*clusterv1.Part, fn func(Actor) error) error {
	for _, p := range parts {
		data, err := s.fetch(ctx, p)
		if err == nil {
			err = decode(bytes.NewReader(data), fn)
		}
		if err != nil {
			return fmt.Errorf("read checkpoint object %s: %w", p.GetObject(), err)
		}
	}
	return nil
}

const (
	// A replica that is behind may lack an object, or some of it: what looks lost
	// is asked for again after fetchPause, fetchTries times in all.
	fetchTries = 3
	fetchPause = 100 * time.Millisecond
)

// fetch returns a whole object, compressed as it is. Its size is bounded by what
// the pointer says.
func (s *Store) fetch(ctx context.Context, p *clusterv1.Part) (data []byte, err error) {
	for try := 1; ; try++ {
		data, err = s.fetchOnce(ctx, p)
		if try == fetchTries || !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) && !errors.Is(err, errStalled) {
			return data, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(fetchPause):
		}
	}
}

// fetchOnce reads an object chunk by chunk, each by its place in the stream. The
// object store's own reader has the chunks pushed to it, and when one gets lost
// on the way it notices seconds later, or when its deadline has passed.
func (s *Store) fetchOnce(ctx context.Context, p *clusterv1.Part) ([]byte, error) {
	info, err := ask(ctx, s.stall, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return s.objects.GetInfo(ctx, p.GetObject())
	})
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if info.Digest != p.GetDigest() || info.Size != p.GetBytes() {
		return nil, fmt.Errorf("%w: %d bytes of digest %s, must be %d of %s", ErrCorrupt, info.Size, info.Digest, p.GetBytes(), p.GetDigest())
	}
	want, err := jetstream.DecodeObjectDigest(info.Digest)
	if err != nil {
		return nil, fmt.Errorf("%w: digest %s: %w", ErrCorrupt, info.Digest, err)
	}
	data := make([]byte, 0, min(info.Size, maxObject))
	chunks, next := s.subjects("C")+info.NUID, uint64(1)
	for range info.Chunks {
		m, err := ask(ctx, s.stall, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return s.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(chunks))
		})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, fmt.Errorf("%w: it ends after %d of %d bytes", ErrCorrupt, len(data), info.Size)
		}
		if err != nil {
			return nil, err
		}
		data, next = append(data, m.Data...), m.Sequence+1
	}
	if got := sha256.Sum256(data); !bytes.Equal(got[:], want) {
		return nil, fmt.Errorf("%w: %d bytes of digest %x, must be %d of %x", ErrCorrupt, len(data), got, info.Size, want)
	}
	return data, nil
}

// ask bounds one question.
func ask[T any](ctx context.Context, patience time.Duration, question func(context.Context) (T, error)) (T, error) {
	one, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := question(one)
	if err != nil && one.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", errStalled, err)
	}
	return v, err
}

// Delete removes an object. ErrNotFound: it was not there.
func (s *Store) Delete(ctx context.Context, object string) error {
	err := s.objects.Delete(ctx, object)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		err = ErrNotFound
	}
	if err == nil {
		// The object store keeps a marker for ever. Names do not come again, so
		// nobody needs it.
		marker := s.subjects("M") + base64.URLEncoding.EncodeToString([]byte(object))
		err = s.stream.Purge(ctx, jetstream.WithPurgeSubject(marker))
	}
	if err != nil {
		return fmt.Errorf("delete checkpoint object %s: %w", object, err)
	}
	return nil
}

// List returns the names of all objects.
func (s *Store) List(ctx context.Context) ([]string, error) {
	infos, err := s.objects.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, fmt.Errorf("list checkpoint objects: %w", err)
	}
	names := make([]string, 0, len(infos))
	for _, i := range infos {
		names = append(names, i.Name)
	}
	return names, nil
}

// ObjectOwner returns the shard and the epoch that an object was written for;
// false when it is no checkpoint's name.
func ObjectOwner(object string) (shard cluster.ShardID, epoch cluster.Epoch, ok bool) {
	var n int
	_, err := fmt.Sscanf(object, "shard-%d-epoch-%d-%d", &shard, &epoch, &n)
	return shard, epoch, err == nil && object == objectName(shard, epoch, n)
}

// Sweep removes the pieces of objects whose writing was broken off, by a crash
// or a lost connection, and that nobody will finish: those that belong to no
// object and are older than age, which must be longer than any write takes. It
// returns how many objects they were of.
func (s *Store) Sweep(ctx context.Context, age time.Duration) (removed int, err error) {
	// The pieces first: what is finished in between has an object by then.
	prefix := s.subjects("C")
	pieces, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return 0, fmt.Errorf("sweep checkpoint store: %w", err)
	}
	infos, err := s.objects.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return 0, fmt.Errorf("sweep checkpoint store: %w", err)
	}
	whole := make(map[string]bool, len(infos))
	for _, i := range infos {
		whole[i.NUID] = true
	}
	for subject := range pieces.State.Subjects {
		if whole[strings.TrimPrefix(subject, prefix)] {
			continue
		}
		last, err := s.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed meanwhile
		}
		if err == nil && time.Since(last.Time) < age {
			continue
		}
		if err == nil {
			err = s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
		}
		if err != nil {
			return removed, fmt.Errorf("sweep checkpoint store: %w", err)
		}
		removed++
	}
	return removed, nil
}

// subjects is what the object store's subjects begin with: those of chunks (C)
// or of the messages about objects (M).
func (s *Store) subjects(of string) string { return "$O." + s.bucket + "." + of + "." }
