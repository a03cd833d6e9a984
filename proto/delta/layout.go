package delta

// layout says which fields play which part, and where the models of each
// decision begin.
type layout struct {
	positions []int // fields
	heading   int   // the first angle; -1: there is none, or there are not two positions
	attrs     []int // all other fields
	state     int   // the first enumeration; -1: there is none
	models    int   // how many in all

	tick, members, joins, id int
	join                     int // numbers, one for each field
	attr                     int
	attrField                int // per attribute: changed, 2*8
	attrNumber               int // per attribute
	attrTree                 int // per attribute
	motion                   int
	choice                   int
	turn                     int
	rest                     int
	step                     int
}

const (
	states  = 8
	ages    = 32
	treeMax = 4 // bits of enumerations whose values each have a model
)

func newLayout(fields []Field) layout {
	l := layout{heading: -1, state: -1}
	for i, f := range fields {
		if f.Kind == Position {
			l.positions = append(l.positions, i)
		}
	}
	for i, f := range fields {
		switch {
		case f.Kind == Angle && l.heading < 0 && len(l.positions) >= 2:
			l.heading = i
		case f.Kind == Enumeration && l.state < 0:
			l.state = i
			l.attrs = append(l.attrs, i)
		case f.Kind != Position:
			l.attrs = append(l.attrs, i)
		}
	}
	take := func(n int) int {
		at := l.models
		l.models += n
		return at
	}
	l.tick = take(numberModels)
	l.members = take(2 + 1)
	l.joins = take(numberModels)
	l.id = take(numberModels)
	l.join = take(numberModels * len(fields))
	l.attr = take(states * ages)
	l.attrField = take(len(l.attrs) * 2 * states)
	l.attrNumber = take(len(l.attrs) * numberModels)
	l.attrTree = take(len(l.attrs) << (2 * treeMax))
	l.motion = take(8 * 8 * 3 * 2 * 2)
	l.choice = take(3 * 8 * 8 * 5)
	l.turn = take(8 * numberModels)
	l.rest = take(2 * 3 * states)
	l.step = take(12 * numberModels)
	return l
}
