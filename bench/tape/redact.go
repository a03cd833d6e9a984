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
	kept := 0 // src[kept:at] stays, and is not appended yet
	for at := 0; at < len(src); {
		num, typ, tag, value := nextField(src[at:])
		if tag <= 0 || value < 0 {
			return dst, false
		}
		begin, end := at+tag, at+tag+value
		f := m.at(num, typ)
		if f != nil && f.rule == plain {
			at = end
			continue
		}
		dst = append(dst, src[kept:at]...)
		kept = end
		if f != nil {
			dst = append(dst, src[at:begin]...)
			if dst, ok = x.piece(dst, src[begin:end], f, src, depth); !ok {
				return dst, false
			}
		}
		at = end
	}
	return append(dst, src[kept:]...), true
}

// piece appends the value of a field that does not stay as it is. whole is the
// message that it stands in.
func (x *redactor) piece(dst, value []byte, f *field, whole []byte, depth int) (out []byte, ok bool) {
	value, _ = protowire.ConsumeBytes(value)
	if f.rule != inside {
		return x.text(dst, value, f.rule, whole), true
	}
	if depth == 0 {
		return dst, false
	}
	// Most messages are short: their length takes one byte.
	begin := len(dst) + 1
	if dst, ok = x.message(append(dst, 0), value, f.inside, depth-1); !ok {
		return dst, false
	}
	return putLength(dst, begin), true
}

// nextField reads the first tag of b, and says how long it and its value are;
// less than nothing if they cannot be read. Most fields have a small number, and
// a small value or a short one: they need no more than a look at two bytes.
func nextField(b []byte) (num protowire.Number, typ protowire.Type, tag, value int) {
	if len(b) >= 2 && b[0] >= 1<<3 && b[0] < 0x80 && b[1] < 0x80 {
		num, typ = protowire.Number(b[0]>>3), protowire.Type(b[0]&7)
		switch {
		case typ == protowire.VarintType:
			return num, typ, 1, 1
		case typ == protowire.BytesType && 2+int(b[1]) <= len(b):
			return num, typ, 1, 1 + int(b[1])
		}
	}
	num, typ, tag = protowire.ConsumeTag(b)
	if tag < 0 {
		return 0, 0, tag, 0
	}
	return num, typ, tag, protowire.ConsumeFieldValue(num, typ, b[tag:])
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
		num, typ, tag, value := nextField(call)
		if tag <= 0 || value < 0 {
			break
		}
		if num == fieldCallKind && typ == protowire.BytesType {
			kind, _ := protowire.ConsumeBytes(call[tag:])
			yes = string(kind) == "player"
		}
		call = call[tag+value:]
	}
	return yes
}
