package synth

import "time"

// Scale changes how many players there are in all, and how long the whole thing
// takes; 0 leaves either as it is. What a player does in a minute stays.
func (s *Spec) Scale(players int, duration time.Duration) {
	if players > 0 {
		s.populate(players)
	}
	if duration <= 0 {
		return
	}
	stretch := float64(duration) / float64(s.Duration)
	longer := func(d *time.Duration) { *d = min(time.Duration(float64(*d)*stretch), duration) }
	s.Duration = duration
	for i := range s.Crowds {
		c := &s.Crowds[i]
		longer(&c.Arrive.From)
		longer(&c.Arrive.To)
		if c.Sale != nil {
			longer(&c.Sale.At)
		}
	}
}

// populate keeps the crowds' shares.
func (s *Spec) populate(players int) {
	before, all, given := 0, 0, 0
	for _, c := range s.Crowds {
		all += c.Players
	}
	for i := range s.Crowds {
		c := &s.Crowds[i]
		before += c.Players
		upTo := int(int64(players) * int64(before) / int64(all))
		c.Players, given = upTo-given, upTo
	}
}
