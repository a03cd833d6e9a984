package delta

// line recognises that the values of one position lie on a digital straight
// line: that there are a start and a velocity, neither of them whole, which
// give all values seen when rounded. From that follows the next value, or that
// it is one of two.
//
// With slope A/b, A = c·b + a, all points (i, v) of the line have remainders
// A·i − b·v in a range of b numbers; rho is the last point's within that range.
// Points with the least remainder lie on the upper leaning line, those with the
// largest on the lower one; up0, up1 and low0, low1 are the first and last
// indices of such points. A point that is off by one remainder changes the slope
// to that from the opposite leaning point; one that is further off is not on any
// line with the others. (I. Debled-Rennesson, J.-P. Reveillès, "A linear
// algorithm for segmentation of digital curves", 1995.)
type line struct {
	c          int32 // floor of the velocity, per frame
	a, b       int32 // the rest of the velocity is a/b; 0 <= a < b
	rho        int32 // 0 <= rho < b
	n          int32 // index of the last point
	up0, up1   int32
	low0, low1 int32
}

const (
	// Longer lines forget their beginning: it bounds a·n.
	maxLine = 1024
	// A slope has been seen so many times over when a deviation is no longer
	// taken for a better knowledge of it.
	maxPeriods = 32
)

// begin makes a line of a single point, which is taken to rest.
func (l *line) begin() { *l = line{b: 1} }

// bend makes a line of two points.
func (l *line) bend(step int32) { *l = line{c: step, b: 1, n: 1, up1: 1, low1: 1} }

// next returns the step to the next point and its remainder.
func (l *line) next() (step, rho int32) {
	step, rho = l.c, l.rho+l.a
	if rho >= l.b {
		step++
		rho -= l.b
	}
	return step, rho
}

// open tells whether the next point may also be one above or one below.
func (l *line) open(rho int32) (up, down bool) {
	if l.n >= maxPeriods*l.b {
		return false, false
	}
	return rho == l.b-1, rho == 0
}

// follow moves on to the next point: deviation is 0 for the one of next, or 1 or
// -1 where open allows it.
func (l *line) follow(rho, deviation int32) {
	l.n++
	switch {
	case deviation == 0:
		l.rho = rho
		if rho == 0 {
			l.up1 = l.n
		}
		if rho == l.b-1 {
			l.low1 = l.n
		}
	case deviation > 0:
		l.low0 = l.low1
		l.up1 = l.n
		l.turn(l.n-l.up0, 1)
		l.rho = 0
	default:
		l.up0 = l.up1
		l.low1 = l.n
		l.turn(l.n-l.low0, -1)
		l.rho = l.b - 1
	}
	if l.n == maxLine {
		l.forget()
	}
}

// turn sets the slope to that over the last steps points, which is the old one
// and a little more or less.
func (l *line) turn(steps, sign int32) {
	rise := (l.a*steps + sign) / l.b
	l.a, l.b = rise, steps
	if rise >= steps {
		l.c++
		l.a -= steps
	} else if rise < 0 {
		l.c--
		l.a += steps
	}
}

// forget drops the first half of the points. Leaning points come back every b
// points, so that the first of those that stay are known.
func (l *line) forget() {
	const half = maxLine / 2
	if l.up1 < half || l.low1 < half {
		l.bend(l.c)
		return
	}
	l.n -= half
	l.up0 = l.since(half, l.up0, l.up1)
	l.low0 = l.since(half, l.low0, l.low1)
	l.up1 -= half
	l.low1 -= half
}

func (l *line) since(first, from, to int32) int32 {
	if from < first {
		from += (first - from + l.b - 1) / l.b * l.b
	}
	return min(from, to) - first
}

// velocity returns the steps per frame, in 1/256.
func (l *line) velocity() int32 { return l.c<<8 + (l.a<<8)/l.b }

// valid tells whether a line read from a keyframe can be worked with.
func (l *line) valid() bool {
	return l.b >= 1 && l.a >= 0 && l.a < l.b && l.rho >= 0 && l.rho < l.b && l.n >= 0 && l.n < maxLine && l.b <= maxLine &&
		l.up0 >= 0 && l.up0 <= l.up1 && l.up1 <= l.n && l.low0 >= 0 && l.low0 <= l.low1 && l.low1 <= l.n &&
		l.c <= 1<<MaxBits && l.c >= -1<<MaxBits
}
