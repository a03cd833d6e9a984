package stock

import "slices"

// buyer is what a slice knows of one player's orders. It exists while there is
// anything to know.
type buyer struct {
	player    string
	at        int // index in slice.buyers
	watermark uint64
	sold      []uint64 // above the watermark, ascending
	holds     []*hold
}

// hold is a number of units kept for one order.
type hold struct {
	buyer    *buyer
	request  uint64
	quantity int64
	at       int64 // Unix nanoseconds, of the reservation

	asked int64 // when the player was asked last; volatile

	older, newer *hold
}

func (b *buyer) hold(request uint64) *hold {
	if b == nil {
		return nil
	}
	for _, h := range b.holds {
		if h.request == request {
			return h
		}
	}
	return nil
}

func (b *buyer) hasSold(request uint64) bool {
	if b == nil {
		return false
	}
	// Copies ask for recent orders.
	if n := len(b.sold); n == 0 || b.sold[n-1] < request {
		return false
	}
	_, found := slices.BinarySearch(b.sold, request)
	return found
}

// closed says that the order is at or below the player's watermark.
func (b *buyer) closed(request uint64) bool { return b != nil && request <= b.watermark }

// noteSold adds a number to the sold ones.
func (b *buyer) noteSold(request uint64) {
	if n := len(b.sold); n == 0 || b.sold[n-1] < request {
		b.sold = append(b.sold, request)
		return
	}
	at, found := slices.BinarySearch(b.sold, request)
	if !found {
		b.sold = slices.Insert(b.sold, at, request)
	}
}

// queue lists holds by their reservation, the oldest first.
type queue struct {
	oldest, newest *hold
	n              int
}

func (q *queue) push(h *hold) {
	h.older, h.newer = q.newest, nil
	if q.newest != nil {
		q.newest.newer = h
	} else {
		q.oldest = h
	}
	q.newest = h
	q.n++
}

func (q *queue) remove(h *hold) {
	if h.older != nil {
		h.older.newer = h.newer
	} else {
		q.oldest = h.newer
	}
	if h.newer != nil {
		h.newer.older = h.older
	} else {
		q.newest = h.older
	}
	h.older, h.newer = nil, nil
	q.n--
}
