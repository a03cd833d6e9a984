package delta

// sines are those of the first quarter of a circle, in 1/256 turn and 1/16384.
var sines = [65]int32{
	0, 402, 804, 1205, 1606, 2006, 2404, 2801, 3196, 3590, 3981, 4370, 4756,
	5139, 5520, 5897, 6270, 6639, 7005, 7366, 7723, 8076, 8423, 8765, 9102, 9434,
	9760, 10080, 10394, 10702, 11003, 11297, 11585, 11866, 12140, 12406, 12665, 12916, 13160,
	13395, 13623, 13842, 14053, 14256, 14449, 14635, 14811, 14978, 15137, 15286, 15426, 15557,
	15679, 15791, 15893, 15986, 16069, 16143, 16207, 16261, 16305, 16340, 16364, 16379, 16384,
}

// halfStep is half of 1/256 turn in radians, in 1/16384.
const halfStep = 201

func sine(angle int32) int32 {
	switch a := angle & 63; angle >> 6 & 3 {
	case 0:
		return sines[a]
	case 1:
		return sines[64-a]
	case 2:
		return -sines[a]
	default:
		return -sines[64-a]
	}
}

// turned is a velocity after a turn to a heading: turned with it, and then bent to
// where the heading's bits say that it points; after a large turn, to their
// middle.
func turned(x, y, turn, heading int32) (int32, int32) {
	sin, cos := sine(turn), sine(turn+64)
	x, y = (x*cos-y*sin)>>14, (x*sin+y*cos)>>14
	sin, cos = sine(heading), sine(heading+64)
	along, across := (x*cos+y*sin)>>14, (y*cos-x*sin)>>14
	if along <= 0 {
		return x, y
	}
	limit := along * halfStep >> 14
	if turnSize(turn) > 1 {
		limit = 0
	}
	bent := max(-limit, min(across, limit))
	if bent == across {
		return x, y
	}
	return (along*cos - bent*sin) >> 14, (along*sin + bent*cos) >> 14
}

// in256 has an angle of so many bits in 1/256 turn.
func in256(angle int32, bits int) int32 {
	if bits > 8 {
		return angle >> (bits - 8)
	}
	return angle << (8 - bits)
}
