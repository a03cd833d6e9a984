package shard

import (
	"container/heap"
	"time"

	"github.com/holdfast-game/holdfast/actors"
)

// alarmClock keeps the timers of one shard's actors. Timers are state: each
// actor knows when it wants to be woken, so what stands here can be forgotten
// and asked for again. Only due and set may be called, from the shard's
// goroutine; wake is called from the clock's.
type alarmClock struct {
	wake   func()
	timer  *time.Timer
	at     int64 // what timer is set for; 0 when it is not running
	timers alarms
}

func newAlarmClock(wake func()) *alarmClock { return &alarmClock{wake: wake} }

// set adds a timer at the given moment in Unix milliseconds.
func (c *alarmClock) set(ref actors.Ref, at int64) {
	heap.Push(&c.timers, timer{at: at, ref: ref})
	c.wind()
}

// due takes out the earliest timer if its moment has come. When it has not,
// the clock is wound so that wake is called then.
func (c *alarmClock) due(now time.Time) (actors.Ref, bool) {
	if len(c.timers) == 0 || c.timers[0].at > now.UnixMilli() {
		c.at = 0
		c.wind()
		return actors.Ref{}, false
	}
	return heap.Pop(&c.timers).(timer).ref, true
}

// wind makes the timer run for the earliest moment.
func (c *alarmClock) wind() {
	if len(c.timers) == 0 || c.at != 0 && c.at <= c.timers[0].at {
		return
	}
	c.at = c.timers[0].at
	wait := time.Until(time.UnixMilli(c.at))
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.wake)
		return
	}
	c.timer.Reset(wait)
}

func (c *alarmClock) stop() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// timer is one entry of an alarm clock.
type timer struct {
	at  int64
	ref actors.Ref
}

// alarms is a heap of timers, the earliest first.
type alarms []timer

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at < a[j].at }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(timer)) }
func (a *alarms) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*a = old[:len(old)-1]
	return last
}
