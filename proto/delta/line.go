package delta

// line recognises that the values of one position lie on a digital straight
// line: that there are a start and a velocity, neither of them whole, which
// give all values seen when rounded. From that follows the next value, or that
// it is one of two or three.
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
	vel        int32 // smoothed velocity, in 1/64; 0 where needsVelocity is false
}

const (
	// Longer lines forget their first half: it bounds a·n.
	maxLine = 2048
	// A slope has been seen so many times over when a deviation is no longer
	// taken for a better knowledge of it.
	maxPeriods = 128
	// From so many steps on a line knows the velocity better than smoothing does ...
	trusted = 3
	// ... and up to so many a smoothed velocity is a hint at how the line goes on.
	young = 8
	// Velocities, in steps per frame, are not known beyond that. It bounds products.
	maxVelocity = 1000
	// smoothing/16 of a surprise goes into the velocity.
	smoothing = 6
)

// bend begins a line of two points.
func (l *line) bend(step int32) { *l = line{c: step, b: 1, n: 1, up1: 1, low1: 1, vel: l.vel} }

// forecast is where a line's next point is: at step, with remainder rho, or if up
// one above, or if down one below.
type forecast struct {
	step, rho int32
	up, down  bool
}

func (l *line) forecast() forecast {
	f := forecast{step: l.c, rho: l.rho + l.a}
	if f.rho >= l.b {
		f.step++
		f.rho -= l.b
	}
	if l.n < maxPeriods*l.b {
		f.up, f.down = f.rho == l.b-1, f.rho == 0
	}
	return f
}

func (f *forecast) open() bool { return f.up || f.down }

// allows tells whether step leads to a point of the line.
func (f *forecast) allows(step int32) bool {
	d := step - f.step
	return d == 0 || d == 1 && f.up || d == -1 && f.down
}

// follow moves on to the forecast's point, or the one that deviates from it by 1
// or -1 where it is open to that.
func (l *line) follow(f *forecast, deviation int32) {
	l.n++
	switch {
	case deviation == 0:
		l.rho = f.rho
		switch l.rho {
		case 0:
			l.up1 = l.n
		case l.b - 1:
			l.low1 = l.n
		}
	case deviation > 0:
		l.low0, l.up1 = l.low1, l.n
		l.turn(l.n-l.up0, 1)
		l.rho = 0
	default:
		l.up0, l.low1 = l.up1, l.n
		l.turn(l.n-l.low0, -1)
		l.rho = l.b - 1
	}
	if l.b == 1 {
		l.up1, l.low1 = l.n, l.n // all points lean on both
	}
	if l.n == maxLine {
		l.forget()
	}
	if !l.needsVelocity() {
		l.vel = 0
	}
}

// take follows the line where step leads to a point of it, and bends it if not.
func (l *line) take(f *forecast, step int32) {
	if f.allows(step) {
		l.follow(f, step-f.step)
	} else {
		l.bend(step)
	}
}

// turn sets the slope to that over the last steps points: the old one and a
// little more or less.
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
	if l.up1 < half || l.low1 < half || l.b > half {
		l.vel = l.velocity()
		l.bend(l.c)
		return
	}
	since := func(first int32) int32 {
		if first < half {
			first += (half - first + l.b - 1) / l.b * l.b
		}
		return first - half
	}
	l.n -= half
	l.up1 -= half
	l.low1 -= half
	l.up0 = min(since(l.up0), l.up1)
	l.low0 = min(since(l.low0), l.low1)
}

// lean finds the latest points with the least and the largest remainder; -1 for
// none.
func (l *line) lean() (up, low int32) {
	up, low = -1, -1
	rho := l.rho
	for i := l.n; i >= 0 && (up < 0 || low < 0); i-- {
		if rho == 0 && up < 0 {
			up = i
		}
		if rho == l.b-1 && low < 0 {
			low = i
		}
		if rho -= l.a; rho < 0 {
			rho += l.b
		}
	}
	return up, low
}

// rests tells whether the line is that of something that does not move.
func (l *line) rests() bool { return l.c|l.a == 0 }

// needsVelocity tells whether the smoothed velocity is still of use: to a line
// that is not known well, or as what there was before a rest.
func (l *line) needsVelocity() bool { return l.n <= young || l.rests() }

// velocity returns the steps per frame, in 1/64.
func (l *line) velocity() int32 {
	if l.n < trusted {
		return l.vel
	}
	return max(-maxVelocity, min(l.c, maxVelocity-1))<<6 + l.a<<6/l.b
}

// smooth has the velocity learn gain/16 of what a step differs from it.
func (l *line) smooth(velocity, step, gain int32) {
	const limit = maxVelocity << 6
	l.vel = max(-limit, min(velocity+(clampStep(step)<<6-velocity)*gain/16, limit))
}

func clampStep(step int32) int32 { return max(-maxVelocity, min(step, maxVelocity)) }
