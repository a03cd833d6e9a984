package shard

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

func TestAlarmClockRingsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rings := make(chan time.Time, 16)
		c := newAlarmClock(func() { rings <- time.Now() })
		defer c.stop()
		start := time.Now()
		at := func(d time.Duration) int64 { return start.Add(d).UnixMilli() }
		c.set(actors.Ref{ID: "c"}, at(300*time.Millisecond))
		c.set(actors.Ref{ID: "a"}, at(100*time.Millisecond))
		c.set(actors.Ref{ID: "b"}, at(100*time.Millisecond))

		var got []string
		for len(got) < 3 {
			now := <-rings
			for {
				ref, ok := c.due(now)
				if !ok {
					break
				}
				got = append(got, ref.ID+"@"+now.Sub(start).String())
			}
		}
		slices.Sort(got[:2]) // equal moments have no order
		want := []string{"a@100ms", "b@100ms", "c@300ms"}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
