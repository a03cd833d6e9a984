package delta

// layout says which field plays which part, and where the models of each
// decision begin.
type layout struct {
	positions []int // fields
	heading   int   // the first angle; -1: there is none, or there are not two positions
	state     int   // the first enumeration; -1: there is none
	attrs     []int // all fields but the positions and the heading

	models int // how many in all

	tick        int // a number
	members     int // has somebody joined or left: by whether so in the last frame
	leaves      int
	joins, id   int // numbers
	joined      int // numbers, by field
	attr        int // has an attribute changed: by state and age
	attrChanged int // has this one: by attribute, whether one before it has, state
	attrNumber  int // numbers, by attribute
	attrTree    int // by attribute, old value and the bits so far
	straight    int // by habit, youth, open lines, rest, and whether an attribute has changed
	deviates    int // by what is open, periods, slope and hint
	deviatesTo  int // likewise
	turns       int // zero and sign: by last turn, rest and state
	turn        int // numbers, by size of the last turn
	stops       int // by rest, turn and state
	strays      int // zero and sign: by size of turn, fraction, rest, and which position
	stray       int // numbers, by size of turn and rest
}

// Sizes of what models are chosen by.
const (
	states  = 8
	ages    = 32
	habits  = 8
	classes = 8
	hints   = 5
	sizes   = 4
	treeMax = 4 // bits of enumerations whose values each have models
)

func newLayout(fields []Field) layout {
	l := layout{heading: -1, state: -1}
	for i, f := range fields {
		if f.Kind == Position {
			l.positions = append(l.positions, i)
		}
	}
	for i, f := range fields {
		if f.Kind == Angle && l.heading < 0 && len(l.positions) >= 2 {
			l.heading = i
			continue
		}
		if f.Kind == Enumeration && l.state < 0 {
			l.state = i
		}
		if f.Kind != Position {
			l.attrs = append(l.attrs, i)
		}
	}
	take := func(n int) int {
		at := l.models
		l.models += n
		return at
	}
	l.tick = take(numberModels)
	l.members = take(2)
	l.leaves = take(1)
	l.joins = take(numberModels)
	l.id = take(numberModels)
	l.joined = take(len(fields) * numberModels)
	l.attr = take(states * ages)
	l.attrChanged = take(len(l.attrs) * 2 * states)
	l.attrNumber = take(len(l.attrs) * numberModels)
	l.attrTree = take(len(l.attrs) << (2 * treeMax))
	l.straight = take(habits * classes * 3 * 2 * 2)
	l.deviates = take(3 * classes * classes * hints)
	l.deviatesTo = take(classes * hints)
	l.turns = take(classes * 2 * states * 2)
	l.turn = take(sizes * numberModels)
	l.stops = take(2 * 3 * states)
	l.strays = take(sizes * 4 * 2 * 3 * 2)
	l.stray = take(2 * 2 * numberModels)
	return l
}
