package delta

// coder is a binary arithmetic coder: it narrows the interval from lo to hi by
// the probability of each bit, and gives away the top bytes on which both agree.
// (M. Mahoney, "Adaptive Weighing of Context Models for Lossless Data
// Compression", 2005: the coder of PAQ.) One type both codes and decodes, so
// that the order of bits is written down once.
type coder struct {
	models   []uint32
	lo, hi   uint32
	code     uint32 // decoding: the bytes under the interval
	at       int    // decoding: the next byte
	decoding bool
	buf      []byte
}

// A model is the probability that a bit is one, and in its low bits from how many
// bits it was learnt.
const (
	probBits   = 18
	countBits  = 8
	countLimit = 1<<countBits - 1
	unknown    = 1 << (probBits - 1) << countBits
)

// rates[n] is how far a model that has seen n bits goes towards the next one, in
// 1/65536: 1/(n+1.5).
var rates = func() (r [countLimit + 1]uint32) {
	for n := range r {
		r[n] = 131072 / uint32(2*n+3)
	}
	return r
}()

// forget has all models begin anew.
func (c *coder) forget() {
	for i := range c.models {
		c.models[i] = unknown
	}
}

func (c *coder) startEncoding(dst []byte) {
	c.lo, c.hi, c.decoding, c.buf = 0, 0xffffffff, false, dst
}

func (c *coder) startDecoding(src []byte) {
	c.lo, c.hi, c.decoding, c.buf, c.at, c.code = 0, 0xffffffff, true, src, 0, 0
	for range 4 {
		c.code = c.code<<8 | c.next()
	}
}

// next returns the next byte, and zeros behind the end.
func (c *coder) next() uint32 {
	b := uint32(0)
	if c.at < len(c.buf) {
		b = uint32(c.buf[c.at])
	}
	c.at++
	return b
}

// bit codes a bit with model m, which learns it, or decodes one.
func (c *coder) bit(m int, bit uint32) uint32 {
	model := &c.models[m]
	p, n := *model>>countBits, *model&countLimit
	bit = c.fixed(p>>(probBits-16)|1, bit)
	rate := rates[n]
	if bit != 0 {
		p += ((1<<probBits - p) >> (probBits - 16) * rate) >> (32 - probBits)
	} else {
		p -= (p >> (probBits - 16) * rate) >> (32 - probBits)
	}
	if n < countLimit {
		n++
	}
	*model = p<<countBits | n
	return bit
}

// fixed codes a bit that is one with probability p/65536.
func (c *coder) fixed(p, bit uint32) uint32 {
	lo, hi := c.lo, c.hi
	r := hi - lo
	mid := lo + r>>16*p + (r&0xffff*p)>>16
	if c.decoding {
		bit = b2u(c.code <= mid)
	}
	if bit != 0 {
		hi = mid
	} else {
		lo = mid + 1
	}
	c.lo, c.hi = lo, hi
	if (lo^hi)>>24 == 0 {
		c.shift()
	}
	return bit
}

// shift gives away the bytes on which both ends of the interval agree.
func (c *coder) shift() {
	for ; (c.lo^c.hi)>>24 == 0; c.lo, c.hi = c.lo<<8, c.hi<<8|0xff {
		if c.decoding {
			c.code = c.code<<8 | c.next()
		} else {
			c.buf = append(c.buf, byte(c.hi>>24))
		}
	}
}

// finish gives away the shortest end that, with zeros behind it, is in the
// interval.
func (c *coder) finish() []byte {
	for n := 0; ; n++ {
		rest := uint64(1)<<(32-8*n) - 1
		end := (uint64(c.lo) + rest) &^ rest
		if end > uint64(c.hi) {
			continue
		}
		for i := range n {
			c.buf = append(c.buf, byte(end>>(24-8*i)))
		}
		buf := c.buf
		c.buf = nil
		return buf
	}
}

// overrun tells whether more was decoded than was there.
func (c *coder) overrun() bool { return c.decoding && c.at > len(c.buf)+4 }

// exhausted tells whether all that was there was needed.
func (c *coder) exhausted() bool { return c.at >= len(c.buf) && !c.overrun() }
