package delta

import "math/bits"

// A number is a block of models for whole numbers: a zero or not, a sign, the
// length of what is left in unary, and its bits from the highest. Bits of numbers
// up to 62 each have a model of their own, of larger ones the highest three; the
// rest are as likely zero as one.
const (
	numberZero   = 0
	numberSign   = 1
	numberLength = 2
	numberSmall  = numberLength + 33
	smallLength  = 5
	numberTop    = numberSmall + 2<<smallLength
	topLengths   = 12
	numberModels = numberTop + topLengths*8
)

// unsigned codes v with the block at m; v is below 2^32-1.
func (c *coder) unsigned(m int, v uint32) uint32 {
	if c.bit(m+numberZero, b2u(v != 0)) == 0 {
		return 0
	}
	return c.positive(m, v)
}

// signed codes v with the block at m.
func (c *coder) signed(m int, v int32) int32 {
	if c.bit(m+numberZero, b2u(v != 0)) == 0 {
		return 0
	}
	if c.bit(m+numberSign, b2u(v < 0)) != 0 {
		return -int32(c.positive(m, uint32(-v)))
	}
	return int32(c.positive(m, uint32(v)))
}

// number codes v with the block at m, but for zero and sign with the models
// from first.
func (c *coder) number(first, m int, v int32) int32 {
	if c.bit(first, b2u(v != 0)) == 0 {
		return 0
	}
	if c.bit(first+1, b2u(v < 0)) != 0 {
		return -int32(c.positive(m, uint32(-v)))
	}
	return int32(c.positive(m, uint32(v)))
}

// positive codes a number above 0.
func (c *coder) positive(m int, v uint32) uint32 {
	length := 0
	if c.decoding {
		for length < 31 && c.bit(m+numberLength+length, 0) != 0 {
			length++
		}
	} else {
		length = bits.Len32(v) - 1
		for i := range length {
			c.bit(m+numberLength+i, 1)
		}
		if length < 31 {
			c.bit(m+numberLength+length, 0)
		}
	}
	u := uint32(1)
	left := length
	if length <= smallLength {
		for ; left > 0; left-- {
			u = u<<1 | c.bit(m+numberSmall+(1<<length)+int(u)-2, v>>(left-1)&1)
		}
		return u
	}
	top := m + numberTop + min(length-smallLength-1, topLengths-1)*8
	for ; left > length-3; left-- {
		u = u<<1 | c.bit(top+int(u), v>>(left-1)&1)
	}
	for ; left > 0; left-- {
		u = u<<1 | c.fixed(1<<15, v>>(left-1)&1)
	}
	return u
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
