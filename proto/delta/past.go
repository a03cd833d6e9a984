package delta

import "math/bits"

// past is what both sides remember of an entity besides its lines.
type past struct {
	age    int32  // frames since an attribute changed, up to maxAge
	habit  uint32 // of the last three moves: a bit for each, 1 if it was straight
	turn   int32  // of the last move
	astray bool   // the last move was neither straight nor what its velocity led to expect
}

const maxAge = 255

// ageClass tells the first frames apart one by one: what begins often ends after a
// fixed time.
func ageClass(age int32) int {
	switch {
	case age < 24:
		return int(age)
	case age < 64:
		return 24 + int(age-24)>>3
	case age < 128:
		return 29
	case age < maxAge:
		return 30
	}
	return 31
}

// class is 0, 1, 2, and then the length of n-1, up to 7.
func class(n int32) int {
	if n < 2 {
		return int(n)
	}
	return min(bits.Len32(uint32(n-1))+1, classes-1)
}

// turnClass tells small turns apart by their direction as well.
func turnClass(turn int32) int {
	switch {
	case turn >= -2 && turn <= 2:
		return int(turn) + 2
	case turn >= -8 && turn < 0:
		return 5
	case turn > 0 && turn <= 8:
		return 6
	}
	return 7
}

func turnSize(turn int32) int {
	switch {
	case turn == 0:
		return 0
	case turn >= -2 && turn <= 2:
		return 1
	case turn >= -8 && turn <= 8:
		return 2
	}
	return 3
}

// hintClass is by how much the smoothed velocity differs from an expected step.
func hintClass(difference int32) int {
	switch {
	case difference < -40:
		return 0
	case difference < -12:
		return 1
	case difference <= 12:
		return 2
	case difference <= 40:
		return 3
	}
	return 4
}
