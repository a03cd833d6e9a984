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

// A model is the probability that a bit is one, 22 bits, and above how many bits
// it was learnt, 10 bits.
const (
	countBits  = 10
	countLimit = 255
	unknown    = 1 << 21 << countBits
)

// rates[n] is how far a model that has seen n bits goes towards the next one, in
// 1/65536: 1/(n+1.5).
var rates = func() (r [countLimit + 1]uint32) {
	for n := range r {
		r[n] = 131072 / uint32(2*n+3)
	}
	return r
}()

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
	s := *model
	p := s >> countBits
	bit = c.fixed(p>>6|1, bit)
	n := s & (1<<countBits - 1)
	rate := rates[n]
	if bit != 0 {
		p += ((1<<22 - p) >> 6 * rate) >> 10
	} else {
		p -= (p >> 6 * rate) >> 10
	}
	if n < countLimit {
		n++
	}
	*model = p<<countBits | n
	return bit
}

// fixed codes a bit that is one with probability p/65536.
func (c *coder) fixed(p, bit uint32) uint32 {
	r := c.hi - c.lo
	mid := c.lo + r>>16*p + (r&0xffff*p)>>16
	if c.decoding {
		bit = 0
		if c.code <= mid {
			bit = 1
		}
	}
	if bit != 0 {
		c.hi = mid
	} else {
		c.lo = mid + 1
	}
	for (c.lo^c.hi)>>24 == 0 {
		c.shift()
	}
	return bit
}

func (c *coder) shift() {
	if c.decoding {
		c.code = c.code<<8 | c.next()
	} else {
		c.buf = append(c.buf, byte(c.hi>>24))
	}
	c.lo <<= 8
	c.hi = c.hi<<8 | 0xff
}

// finish gives away the shortest end that decodes alike with zeros behind it.
func (c *coder) finish() []byte {
	if c.lo != 0 {
		for keep := uint(24); ; keep -= 8 {
			end := c.lo>>keep + 1
			if keep == 0 {
				end = c.lo
			}
			if keep == 0 || end<<keep>>keep == end && end<<keep <= c.hi && end<<keep >= c.lo {
				for s := 24; s >= int(keep); s -= 8 {
					c.buf = append(c.buf, byte(end<<keep>>s))
				}
				break
			}
		}
	}
	buf := c.buf
	c.buf = nil
	return buf
}

// overrun tells whether more was decoded than was there.
func (c *coder) overrun() bool { return c.decoding && c.at > len(c.buf)+4 }

// exhausted tells whether all that was there was needed.
func (c *coder) exhausted() bool { return c.at >= len(c.buf) && !c.overrun() }
