package gateway

import "time"

// fanOut writes the news of a round to every viewer. One that does not take them
// is left behind: it gets a keyframe when it does again.
func (sc *scene) fanOut(now time.Time) {
	var shown, conflated int
	recording := sc.hall.recorder.On()
	for _, v := range sc.viewers {
		if v.lags && !sc.recover(now, v) {
			conflated += v.missed()
			continue
		}
		p, frames := v.news(&sc.out)
		if frames == 0 {
			continue
		}
		ok, dropped := v.s.show(p, v.seen)
		conflated += dropped
		if !ok {
			conflated += frames
			v.lags, v.lagged = true, now
			sc.lagging++
			sc.hall.metrics.lagging.Inc()
			continue
		}
		shown += frames
		for i := range v.streams {
			st := &v.streams[i]
			if !st.f.live {
				continue
			}
			if recording {
				st.tally()
			}
			st.gen = st.f.gen
		}
	}
	m := sc.hall.metrics
	if recording {
		for _, f := range sc.feeds {
			f.record(sc.hall.recorder, now)
		}
	}
	if shown > 0 {
		m.framesOut.Add(float64(shown))
		m.worldOut.Add(float64(shown))
		m.fanOut.Observe(time.Since(now).Seconds())
	}
	if conflated > 0 {
		m.conflated.Add(float64(conflated))
	}
}

// recover has a viewer that lags begin anew, if its connection has caught up.
func (sc *scene) recover(now time.Time, v *viewer) bool {
	conflated, ok := v.s.queue.caughtUp()
	if !ok {
		return false
	}
	v.lags, v.seen = false, conflated
	for i := range v.streams {
		v.streams[i].gen = 0
	}
	sc.lagging--
	sc.hall.metrics.lagging.Dec()
	sc.hall.metrics.lag.Observe(now.Sub(v.lagged).Seconds())
	return true
}

// missed counts the frames of this round that v would have seen.
func (v *viewer) missed() (frames int) {
	for _, st := range v.streams {
		frames += st.f.count
	}
	return frames
}

// news returns what v has to be told in this round, as it goes to the socket,
// and how many frames that is. What comes of several feeds is put together in
// out.
func (v *viewer) news(out *[]byte) (p []byte, frames int) {
	parts := 0
	for i := range v.streams {
		st := &v.streams[i]
		part, n := st.f.news, st.f.count
		if st.gen != st.f.gen {
			if part, n = st.f.keyframe(), 1; part == nil {
				continue
			}
		}
		if n == 0 {
			continue
		}
		frames += n
		switch parts++; parts {
		case 1:
			p = part
		case 2:
			*out = append((*out)[:0], p...)
			fallthrough
		default:
			*out = append(*out, part...)
			p = *out
		}
	}
	return p, frames
}

// tally counts what the stream's viewer was shown in this round.
func (st *stream) tally() {
	switch {
	case st.gen != st.f.gen:
		st.f.begun++
	case st.f.count > 0:
		st.f.followed++
	}
}
