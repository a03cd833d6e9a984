package requests

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	journalv1 "github.com/holdfast-game/holdfast/proto/journal/v1"
)

// maxAhead is how far a number may run ahead of the caller's watermark, so that
// one wild number does not use up all others.
const maxAhead = 1 << 32

// Conditions of a request that is neither new nor a copy. See also ErrReused.
var (
	ErrExpired  = errors.New("was closed long ago; its answer is forgotten")
	ErrTooFar   = errors.New("is too far ahead of the caller's other requests")
	errUnsorted = errors.New("answers are not in order")
)

// Limits says how much a Table remembers. The zero value of a field means its
// default.
type Limits struct {
	// Callers bounds the table. When it is full, the caller that was heard last
	// is forgotten if that is longer ago than Memory; else new callers are
	// refused. Default 1,024.
	Callers int
	// Answers are kept per caller; beyond, the lowest number gives way. It
	// should be more than a client has in flight. Default 64.
	Answers int
	// Memory is how long a caller is remembered at least. Default 24 h.
	Memory time.Duration
}

// WithDefaults returns l with its zero fields set.
func (l Limits) WithDefaults() Limits {
	if l.Callers == 0 {
		l.Callers = 1024
	}
	if l.Answers == 0 {
		l.Answers = 64
	}
	if l.Memory == 0 {
		l.Memory = 24 * time.Hour
	}
	return l
}

// Validate says which field cannot work, and why.
func (l Limits) Validate() error {
	switch {
	case l.Callers < 0:
		return fmt.Errorf("limits of answers: Callers: %d, must not be negative", l.Callers)
	case l.Answers < 0:
		return fmt.Errorf("limits of answers: Answers: %d, must not be negative", l.Answers)
	case l.Memory < 0:
		return fmt.Errorf("limits of answers: Memory: %s, must not be negative", l.Memory)
	}
	return nil
}

// Table remembers answers by caller and request number.
type Table struct {
	callers map[string]*caller
}

type caller struct {
	watermark uint64
	answers   []*journalv1.RequestAnswer // by request, ascending
	last      int64                      // when it was heard last
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{callers: make(map[string]*caller)} }

func (c *caller) index(request uint64) (int, bool) {
	return slices.BinarySearchFunc(c.answers, request, func(a *journalv1.RequestAnswer, n uint64) int {
		return cmp.Compare(a.GetRequest(), n)
	})
}

// Look returns the answer to a request, or nil if the request is new. It fails
// with ErrReused, ErrExpired or ErrTooFar.
func (t *Table) Look(name string, request, contents uint64) (*journalv1.RequestAnswer, error) {
	c := t.callers[name]
	if c == nil {
		c = &caller{}
	}
	if request <= c.watermark {
		return nil, ErrExpired
	}
	if at, ok := c.index(request); ok {
		if c.answers[at].GetContents() != contents {
			return nil, ErrReused
		}
		return c.answers[at], nil
	}
	if request > c.watermark+maxAhead {
		return nil, ErrTooFar
	}
	return nil, nil
}

// Room says what must be forgotten so that an answer to a request can be
// remembered: a caller, if not nil, and the asking caller's answers up to a
// watermark. When nothing may be forgotten, ok is false, and retry says when to
// try again.
func (t *Table) Room(name string, request uint64, now time.Time, l Limits) (forget *string, watermark uint64, retry time.Duration, ok bool) {
	if c := t.callers[name]; c != nil {
		if len(c.answers) < l.Answers {
			return nil, 0, 0, true
		}
		return nil, min(request, c.answers[len(c.answers)-l.Answers].GetRequest()), 0, true
	}
	if len(t.callers) < l.Callers {
		return nil, 0, 0, true
	}
	var oldest string
	for _, n := range t.names() {
		if oldest == "" && forget == nil || t.callers[n].last < t.callers[oldest].last {
			oldest, forget = n, &n
		}
	}
	if age := time.Duration(now.UnixNano() - t.callers[oldest].last); age < l.Memory {
		return nil, 0, l.Memory - age, false
	}
	return forget, 0, 0, true
}

// Record remembers an answer and forgets what Room said.
func (t *Table) Record(a *journalv1.RequestAnswer, forget *string, watermark uint64) error {
	if forget != nil {
		delete(t.callers, *forget)
	}
	c := t.callers[a.GetCaller()]
	if c == nil {
		c = new(caller)
		t.callers[a.GetCaller()] = c
	}
	at, known := c.index(a.GetRequest())
	if known || a.GetRequest() <= c.watermark {
		return fmt.Errorf("record the answer to request %d of %q: answered before", a.GetRequest(), a.GetCaller())
	}
	c.answers = slices.Insert(c.answers, at, a)
	c.last = a.GetAt()
	if watermark > c.watermark {
		c.watermark = watermark
		c.answers = slices.DeleteFunc(c.answers, func(a *journalv1.RequestAnswer) bool { return a.GetRequest() <= watermark })
	}
	return nil
}

// Snapshot returns the table, sorted.
func (t *Table) Snapshot() []*journalv1.RequestCaller {
	var out []*journalv1.RequestCaller
	for _, name := range t.names() {
		c := t.callers[name]
		out = append(out, &journalv1.RequestCaller{
			Caller: name, Watermark: c.watermark, Answers: slices.Clone(c.answers), Last: c.last,
		})
	}
	return out
}

// Restore replaces the table.
func (t *Table) Restore(from []*journalv1.RequestCaller) error {
	t.callers = make(map[string]*caller, len(from))
	for _, c := range from {
		for i, a := range c.GetAnswers() {
			if a.GetRequest() <= c.GetWatermark() || i > 0 && a.GetRequest() <= c.GetAnswers()[i-1].GetRequest() {
				return fmt.Errorf("restore caller %q: %w", c.GetCaller(), errUnsorted)
			}
		}
		t.callers[c.GetCaller()] = &caller{
			watermark: c.GetWatermark(), answers: slices.Clone(c.GetAnswers()), last: c.GetLast(),
		}
	}
	return nil
}

func (t *Table) names() []string { return slices.Sorted(maps.Keys(t.callers)) }
