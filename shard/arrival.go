package shard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// arrivalPatience is how long a source may be silent before a target that may
	// still turn away does.
	arrivalPatience = 5 * time.Second
	// outcomePace is how often a target that may not asks for the outcome, and
	// looks for itself.
	outcomePace = time.Second
)

var errSourceSilent = errors.New("the source has not been heard of for long")

// arrival is the target's side of a planned move.
type arrival struct {
	inc     *incarnation
	shard   cluster.ShardID
	number  uint64 // of the source's
	source  string // its incarnation
	address cluster.Address
	epoch   cluster.Epoch // of the source's ownership
	machine *cluster.Adoption
	box     chan *clusterv1.Handoff

	rec    *recovery
	log    cluster.Stretch // of the source's log, as far as it was read
	bytes  int64           // read for the state
	expect *cluster.Expectation
	from   cluster.LogSeq
	hold   *cluster.Holding
	lot    *lot // from AdoptVerified on
	heard  time.Time
}

func newArrival(inc *incarnation, h *clusterv1.Handoff) *arrival {
	s := cluster.ShardID(h.GetShard())
	return &arrival{
		inc: inc, shard: s, number: h.GetMove(), source: h.GetIncarnation(),
		address: cluster.Address(h.GetPrepare().GetAddress()), epoch: cluster.Epoch(h.GetPrepare().GetEpoch()),
		machine: cluster.NewAdoption(s), box: make(chan *clusterv1.Handoff, handoffBox), heard: time.Now(),
	}
}

// isOf says whether a message belongs to this move.
func (a *arrival) isOf(h *clusterv1.Handoff) bool {
	return a.source == h.GetIncarnation() && a.number == h.GetMove()
}

// aborted is what the source would say.
func (a *arrival) aborted(why string) *clusterv1.Handoff {
	return &clusterv1.Handoff{Body: &clusterv1.Handoff_Aborted_{Aborted: &clusterv1.Handoff_Aborted{Why: why}}}
}

// run carries the arrival out.
func (a *arrival) run(ctx context.Context) {
	pace := time.NewTicker(outcomePace)
	defer pace.Stop()
	var e cluster.AdoptEffect
	for ctx.Err() == nil {
		var in cluster.AdoptInput
		switch e.Do {
		case cluster.AdoptNothing:
			in = a.listen(ctx, pace.C)
		case cluster.AdoptLoad, cluster.AdoptReplay:
			in = a.read(ctx, e)
		case cluster.AdoptPrepared:
			a.tellPrepared(e)
		case cluster.AdoptVerified:
			a.tellVerified(e)
		case cluster.AdoptConfirm:
			in = a.confirm(ctx)
		case cluster.AdoptServe:
			a.serve()
			return
		case cluster.AdoptForgo:
			a.forgo(e.Err)
			return
		}
		switch e.Do {
		case cluster.AdoptPrepared, cluster.AdoptVerified:
			e = cluster.AdoptEffect{} // nothing answers these; the machine waits
		default:
			e = a.machine.Step(in)
		}
	}
	if a.lot != nil {
		a.inc.lots[a.shard].CompareAndSwap(a.lot, nil)
	}
}

// listen waits until something happens.
func (a *arrival) listen(ctx context.Context, pace <-chan time.Time) cluster.AdoptInput {
	changed := a.inc.view.Changed()
	select {
	case h := <-a.box:
		a.heard = time.Now()
		return a.heardOf(h)
	case <-changed:
		return cluster.AdoptInput{Look: !a.sourceOwns()}
	case <-pace:
	case <-ctx.Done():
		return cluster.AdoptInput{}
	}
	if a.lot != nil {
		a.tell(func(h *clusterv1.Handoff) {
			h.Body = &clusterv1.Handoff_AskOutcome_{AskOutcome: new(clusterv1.Handoff_AskOutcome)}
		})
	}
	in := cluster.AdoptInput{Look: true}
	switch {
	case time.Since(a.heard) > arrivalPatience || !a.inc.lives(a.source):
		in.Stop = errSourceSilent
	case a.inc.draining():
		in.Stop = errMovesStop
	}
	return in
}

// sourceOwns says whether the routes still have the source as owner.
func (a *arrival) sourceOwns() bool {
	return a.inc.view.Routes().Owner(a.shard).Incarnation == cluster.Incarnation(a.source)
}

func (a *arrival) heardOf(h *clusterv1.Handoff) cluster.AdoptInput {
	switch b := h.GetBody().(type) {
	case *clusterv1.Handoff_Prepare_:
		seq := cluster.LogSeq(b.Prepare.GetThrough())
		return cluster.AdoptInput{Prepare: &seq}
	case *clusterv1.Handoff_Final_:
		seq := cluster.LogSeq(b.Final.GetTo())
		return cluster.AdoptInput{Final: &seq}
	case *clusterv1.Handoff_Committed_:
		return cluster.AdoptInput{Look: true}
	case *clusterv1.Handoff_Aborted_:
		return cluster.AdoptInput{Aborted: fmt.Errorf("the source says: %s", b.Aborted.GetWhy())}
	}
	return cluster.AdoptInput{}
}

func (a *arrival) tell(body func(*clusterv1.Handoff)) {
	h := &clusterv1.Handoff{Move: a.number, Shard: uint32(a.shard), Incarnation: string(a.inc.member.Incarnation()), To: a.source}
	body(h)
	a.inc.mesh.SendHandoff(a.address, h)
}

// read puts the state together as far as the source's log is durable, from the
// newest checkpoint the first time.
func (a *arrival) read(ctx context.Context, e cluster.AdoptEffect) cluster.AdoptInput {
	var err error
	if e.Do == cluster.AdoptLoad {
		err = a.load(ctx, e.Through)
	} else {
		err = a.catchUp(ctx, e.Through)
	}
	if err != nil {
		return cluster.AdoptInput{Err: err}
	}
	in := cluster.AdoptInput{Loaded: true}
	if e.Final {
		if in.Hash, in.Actors, err = stateHash(a.rec.people, a.rec.captured); err != nil {
			return cluster.AdoptInput{Err: err}
		}
	}
	return in
}

func (a *arrival) load(ctx context.Context, through cluster.LogSeq) error {
	inc := a.inc
	record, err := inc.member.Outlook(ctx, a.shard, cluster.Incarnation(a.source), a.epoch, through)
	if err != nil {
		return err
	}
	a.rec = &recovery{shard: a.shard, record: record, epoch: a.epoch + 1}
	if err := inc.loadCheckpoint(ctx, a.rec); err != nil {
		return err
	}
	stretches, err := cluster.Replay(record, a.rec.from)
	if err != nil {
		return err
	}
	if err := a.replay(ctx, stretches); err != nil {
		return err
	}
	for _, p := range a.rec.from.GetParts() {
		a.bytes += int64(p.GetBytes())
	}
	last := record.GetSegments()[len(record.GetSegments())-1]
	a.log = cluster.Stretch{Log: cluster.LogName(last.GetLog()), From: cluster.LogSeq(last.GetFrom()), To: through, Epoch: a.epoch}

	// Until the outcome is known, the own log is kept from its next entry on.
	inc.purging.RLock()
	defer inc.purging.RUnlock()
	a.from = inc.journal.DurableSeq() + 1
	a.expect = inc.member.Expect(a.shard, cluster.Incarnation(a.source), a.epoch+1, inc.logName, a.from)
	return nil
}

// catchUp reads what the source has written since.
func (a *arrival) catchUp(ctx context.Context, through cluster.LogSeq) error {
	next := a.log
	next.From, next.To = max(a.log.From, a.log.To+1), through
	a.log.To = through
	if next.From > next.To {
		return nil
	}
	records, bytes, err := a.inc.followTail(ctx, a.shard, next)
	if err != nil {
		return err
	}
	a.note(bytes)
	return a.rec.replay([]cluster.Stretch{next}, map[cluster.LogName]tail{next.Log: records})
}

func (a *arrival) replay(ctx context.Context, stretches []cluster.Stretch) error {
	tails, bytes, err := a.inc.readTails(ctx, map[cluster.ShardID][]cluster.Stretch{a.shard: stretches})
	if err != nil {
		return err
	}
	a.note(bytes)
	return a.rec.replay(stretches, tails)
}

// note adds to what was read.
func (a *arrival) note(bytes int64) {
	a.rec.tail += bytes
	a.bytes += bytes
}

func (a *arrival) tellPrepared(e cluster.AdoptEffect) {
	a.tell(func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Prepared_{Prepared: &clusterv1.Handoff_Prepared{
			Through: uint64(e.Through), Log: string(a.inc.logName), From: uint64(a.from), Lease: int64(a.inc.member.LeaseID()),
			Node: string(a.inc.member.Name()), Address: string(a.inc.mesh.Address()),
			Actors: uint64(a.rec.people.count()), Bytes: uint64(a.bytes),
		}}
	})
}

// tellVerified is a point of no return: the shard may be this node's from the
// moment that the source hears it, and what arrives for it is kept.
func (a *arrival) tellVerified(e cluster.AdoptEffect) {
	if a.lot == nil {
		a.lot = newLot(a.inc.cfg.MaxQueued)
		a.inc.lots[a.shard].Store(a.lot)
	}
	a.tell(func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Verified_{Verified: &clusterv1.Handoff_Verified{StateHash: e.Hash, Actors: e.Actors}}
	})
}

// confirm finds out who owns the shard, as etcd says, by the watch or asked.
func (a *arrival) confirm(ctx context.Context) cluster.AdoptInput {
	hold, err := a.inc.member.Adopt(ctx, a.expect)
	if err != nil {
		return cluster.AdoptInput{Err: err}
	}
	a.hold = hold
	return cluster.AdoptInput{Adopted: true}
}

// serve lets commands in, and hands over those that have waited. New ones may
// overtake them: nobody was promised an order.
func (a *arrival) serve() {
	people := a.rec.people.count() // from then on they are the shard's own
	a.inc.metrics.replayed.Add(float64(a.rec.replayed))
	h := a.inc.host(a.hold, a.rec)
	for _, m := range a.lot.clear() {
		h.post(m, math.MaxInt)
	}
	a.inc.lots[a.shard].CompareAndSwap(a.lot, nil)
	a.inc.log.Info("took over", "shard", a.shard, "from", a.source, "epoch", a.hold.Epoch, "actors", people)
	a.tell(serving)
}

// serving is the target's last word in a move.
func serving(h *clusterv1.Handoff) {
	h.Body = &clusterv1.Handoff_Serving_{Serving: new(clusterv1.Handoff_Serving)}
}

// forgo forgets the state. What has waited is told to look elsewhere.
func (a *arrival) forgo(why error) {
	a.inc.log.Warn("a shard does not come", "shard", a.shard, "from", a.source, "why", why)
	if a.expect != nil {
		a.inc.member.Forgo(a.expect)
	}
	a.tell(func(h *clusterv1.Handoff) {
		h.Body = &clusterv1.Handoff_Refused_{Refused: &clusterv1.Handoff_Refused{Why: why.Error()}}
	})
	if a.lot == nil {
		return
	}
	for _, m := range a.lot.clear() {
		if c, ok := m.(*cluster.Command); ok {
			a.inc.redirect(c)
		}
	}
	a.inc.lots[a.shard].CompareAndSwap(a.lot, nil)
}
