package bisect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/actors"
	"github.com/holdfast-game/holdfast/cluster"
)

// Item is what an actor is given next: its next event, or its state in a
// checkpoint, where its first events are not there any more.
type Item struct {
	Actor actors.Ref
	// Seq is the event's number, or how many events the state has.
	Seq uint64
	// State: Data is a state. Otherwise it is an event.
	State bool
	Data  []byte
	Where Place
}

// Place is where a record stands. The zero Place is that of a checkpoint.
type Place struct {
	Log    cluster.LogName `json:"log,omitempty"`
	Entry  cluster.LogSeq  `json:"entry,omitempty"`
	Record int             `json:"record,omitempty"` // in the entry, from 1
	Shard  cluster.ShardID `json:"shard"`
	Epoch  cluster.Epoch   `json:"epoch"`
}

// Config says what to compare. Good, Bad, Args and History are required.
type Config struct {
	// Good and Bad are the programs, and Args what makes each of them a child.
	Good, Bad string
	Args      []string
	// History gives every item, in an order in which those of one actor follow each
	// other, and the same each time. An item need not outlive the call of yield.
	History func(ctx context.Context, yield func(*Item) error) error
	// Every is how many items are folded at a time. Default 10,000.
	Every int
	// Patience is how long a build may take for that. Default 1 min.
	Patience time.Duration
}

// Defaults of a Config.
const (
	DefaultEvery    = 10_000
	DefaultPatience = time.Minute
)

// narrower is into how many parts a range that differs is cut: a part costs the
// states of its actors, and a pass another reading of the history.
const narrower = 32

func (c Config) withDefaults() Config {
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	return c
}

// Validate names the field that cannot be.
func (c Config) Validate() error {
	switch {
	case c.Good == "", c.Bad == "":
		return errors.New("two builds are needed: good and bad")
	case c.History == nil:
		return errors.New("there is no history")
	case c.Every < 0:
		return fmt.Errorf("every: %d, must be positive", c.Every)
	case c.Patience < 0:
		return fmt.Errorf("patience: %v, must be positive", c.Patience)
	}
	return nil
}

// Result is what came of it.
type Result struct {
	// Good and Bad are the versions that the builds say they are.
	Good string `json:"good"`
	Bad  string `json:"bad"`
	// Events and States were folded before the builds disagreed; all of them if
	// they do not. Actors had them.
	Events uint64 `json:"events"`
	States uint64 `json:"states"`
	Actors int    `json:"actors"`
	// Refused counts the actors that both builds could not fold.
	Refused int `json:"refused"`
	// Found is nil when the builds agree.
	Found *Finding `json:"found,omitempty"`
}

// Finding is the first item on which the builds disagree.
type Finding struct {
	Item  `json:"-"`
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Seq   uint64 `json:"seq"`
	Where Place  `json:"where"`
	// Restored: it is not an event, but what a checkpoint holds.
	Restored bool `json:"restored,omitempty"`
	// Event is what it says, by the good build.
	Event json.RawMessage `json:"event,omitempty"`
	Good  Side            `json:"good"`
	Bad   Side            `json:"bad"`
	// Differences of the states, as paths into them.
	Differences []Difference `json:"differences,omitempty"`
}

// Side is what one build makes of it.
type Side struct {
	// Hash is the actor's share of the state hash; "" when Refused says why there
	// is none.
	Hash    string          `json:"hash,omitempty"`
	Refused string          `json:"refused,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
}

// ErrUnstable: the builds disagree after a range of items, and do not when it is
// folded again. One of them does not make the same of the same events.
var ErrUnstable = errors.New("the builds disagreed, and agreed when the same events were folded again: one of them folds differently from time to time")

// Run compares the builds. The error is about the history, or about the builds
// when they cannot be compared.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("bisect: %w", err)
	}
	cfg = cfg.withDefaults()
	all, err := sweep(ctx, &cfg, plan{from: maxIndex})
	if err != nil {
		return nil, err
	}
	res := all.result
	if all.found != nil {
		res.found(all)
	}
	for d := all.differs; d != nil && res.Found == nil; {
		// The first range that differs, or one before it.
		p := plan{only: d.suspects, from: d.first, to: d.last + 1, step: max(1, (d.last-d.first+1)/narrower)}
		near, err := sweep(ctx, &cfg, p)
		if err != nil {
			return nil, err
		}
		if near.differs == nil {
			return nil, fmt.Errorf("%w (items %d to %d of the history, among %d actors)", ErrUnstable, p.from+1, p.to, len(p.only))
		}
		if d = near.differs; near.found != nil {
			res.found(near)
		}
	}
	return &res, nil
}

func (r *Result) found(s *swept) {
	r.Found, r.Events, r.States = s.found, s.differs.before.events, s.differs.before.states
}
