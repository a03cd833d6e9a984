package tape

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// hashDigits are what is kept of a player's hash: with a million players, two
	// have the same name with a chance of one in 500.
	hashDigits = 12
	// maxNames is how many hashes are remembered. Beyond it all are forgotten:
	// they are made again when they are needed.
	maxNames = 1 << 17
	// minRemark is how long a player's id must be to be looked for in remarks: in
	// a sentence, a shorter one is found everywhere.
	minRemark = 3
	// maxNesting is deeper than any frame goes.
	maxNesting = 16
)

// Names replaces the ids of players by keyed hashes. It belongs to one
// goroutine.
type Names struct {
	mac   hash.Hash
	known map[string]string
	sum   []byte
}

// NewNames returns the names that players have under a key.
func NewNames(key []byte) *Names {
	return &Names{mac: hmac.New(sha256.New, key), known: make(map[string]string)}
}

// Of returns a player's name. The empty one stays.
func (n *Names) Of(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	if name, ok := n.known[string(id)]; ok {
		return name
	}
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.mac.Reset()
	_, _ = n.mac.Write(id) // never fails
	n.sum = n.mac.Sum(n.sum[:0])
	name := hex.EncodeToString(n.sum[:hashDigits/2])
	n.known[string(id)] = name
	return name
}

// KeyID names the key.
func (n *Names) KeyID() string {
	n.mac.Reset()
	_, _ = n.mac.Write([]byte("holdfast tape: the key itself\x00")) // never fails
	return hex.EncodeToString(n.mac.Sum(nil)[:4])
}

// redactor takes out of frames what must not be kept. It belongs to one
// goroutine.
type redactor struct {
	// names is nil when players keep their ids.
	names *Names
	// self is the player whose connection the frame is of.
	self []byte
	// judges: the players should be hashed already; named says that one is not.
	judges, named bool
}

// client appends a ClientFrame that may be kept. False: frame is none.
func (x *redactor) client(dst, frame []byte, self string) (out []byte, ok bool) {
	return x.frame(dst, frame, self, clientFrames)
}

// server does the same with a ServerFrame.
func (x *redactor) server(dst, frame []byte, self string) (out []byte, ok bool) {
	return x.frame(dst, frame, self, serverFrames)
}

func (x *redactor) frame(dst, frame []byte, self string, m *message) (out []byte, ok bool) {
	x.self = append(x.self[:0], self...)
	out, ok = x.message(dst, frame, m, maxNesting)
	if !ok {
		return dst, false
	}
	return out, true
}

// message appends what may be kept of src. Fields that the protocol does not
// have are not.
func (x *redactor) message(dst, src []byte, m *message, depth int) (out []byte, ok bool) {
	whole := src
	for len(src) > 0 {
		num, typ, n := protowire.ConsumeTag(src)
		if n < 0 {
			return dst, false
		}
		size := protowire.ConsumeFieldValue(num, typ, src[n:])
		if size < 0 {
			return dst, false
		}
		piece, value := src[:n+size], src[n:n+size]
		src = src[n+size:]
		f := m.at(num, typ)
		switch {
		case f == nil:
			continue
		case f.rule == plain:
			dst = append(dst, piece...)
			continue
		}
		value, _ = protowire.ConsumeBytes(value)
		dst = append(dst, piece[:n]...)
		if f.rule != inside {
			dst = x.text(dst, value, f.rule, whole)
			continue
		}
		if depth == 0 {
			return dst, false
		}
		// Most messages are short: their length takes one byte.
		begin := len(dst) + 1
		if dst, ok = x.message(append(dst, 0), value, f.inside, depth-1); !ok {
			return dst, false
		}
		dst = putLength(dst, begin)
	}
	return dst, true
}

// putLength puts the length of dst[begin:] into the byte before it, and makes
// room if it needs more.
func putLength(dst []byte, begin int) []byte {
	size := uint64(len(dst) - begin)
	more := protowire.SizeVarint(size) - 1
	if more > 0 {
		var room [9]byte
		dst = append(dst, room[:more]...)
		copy(dst[begin+more:], dst[begin:len(dst)-more])
	}
	protowire.AppendVarint(dst[:begin-1], size)
	return dst
}

// text appends a text as the rule has it. message is what it stands in.
func (x *redactor) text(dst, value []byte, r rule, message []byte) []byte {
	switch r {
	case blank:
		dst = protowire.AppendVarint(dst, uint64(len(value)))
		for range value {
			dst = append(dst, 'x')
		}
		return dst
	case player:
		return x.name(dst, value, nil)
	case order:
		if slash := bytes.LastIndexByte(value, '/'); slash >= 0 {
			return x.name(dst, value[:slash], value[slash:])
		}
		return x.name(dst, value, nil)
	case target:
		if x.names != nil && (bytes.Equal(value, x.self) || callsPlayer(message)) {
			return x.name(dst, value, nil)
		}
	case remark:
		if x.names != nil {
			value = x.remark(value)
		}
	}
	return protowire.AppendBytes(dst, value)
}

// name appends a player's id as it is kept, and what comes behind it.
func (x *redactor) name(dst, id, tail []byte) []byte {
	if x.names == nil {
		x.named = x.named || x.judges && !isName(id)
		dst = protowire.AppendVarint(dst, uint64(len(id)+len(tail)))
		return append(append(dst, id...), tail...)
	}
	name := x.names.Of(id)
	dst = protowire.AppendVarint(dst, uint64(len(name)+len(tail)))
	return append(append(dst, name...), tail...)
}

// remark replaces the player's own id in a sentence.
func (x *redactor) remark(text []byte) []byte {
	if len(x.self) < minRemark || !bytes.Contains(text, x.self) {
		return text
	}
	return bytes.ReplaceAll(text, x.self, []byte(x.names.Of(x.self)))
}

// fieldCallKind is Call.kind.
const fieldCallKind = 1

// callsPlayer says whether a Call is to a player.
func callsPlayer(call []byte) (yes bool) {
	for len(call) > 0 {
		num, typ, n := protowire.ConsumeTag(call)
		size := protowire.ConsumeFieldValue(num, typ, call[max(n, 0):])
		if n < 0 || size < 0 {
			return yes
		}
		if num == fieldCallKind && typ == protowire.BytesType {
			kind, _ := protowire.ConsumeBytes(call[n:])
			yes = string(kind) == "player"
		}
		call = call[n+size:]
	}
	return yes
}
