package replay

// agenda has players by when they have something to do next: a binary heap in
// which each knows its place. (Package container/heap would make an interface
// call of every comparison; there are some 17 for a request of 100,000 players.)
type agenda []*player

// set gives a player a time, new or other.
func (a *agenda) set(p *player) {
	if p.place < 0 {
		p.place = len(*a)
		*a = append(*a, p)
	}
	if !a.up(p.place) {
		a.down(p.place)
	}
}

// drop takes a player out.
func (a *agenda) drop(p *player) {
	if p.place < 0 {
		return
	}
	i, last := p.place, len(*a)-1
	a.swap(i, last)
	(*a)[last] = nil
	*a = (*a)[:last]
	p.place = -1
	if i < last && !a.up(i) {
		a.down(i)
	}
}

func (a agenda) swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

func (a agenda) up(i int) (moved bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if a[parent].wake <= a[i].wake {
			break
		}
		a.swap(i, parent)
		i, moved = parent, true
	}
	return moved
}

func (a agenda) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(a) {
			return
		}
		if right := child + 1; right < len(a) && a[right].wake < a[child].wake {
			child = right
		}
		if a[i].wake <= a[child].wake {
			return
		}
		a.swap(i, child)
		i = child
	}
}
