package sim

import (
	"errors"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

var (
	errSilent  = errors.New("the source has not been heard of for long")
	errAborted = errors.New("the source says that nothing will come")
)

// arrival is the target's side of a move: cluster.Adoption, and what package
// shard does about its effects.
type arrival struct {
	l       *life
	shard   cluster.ShardID
	number  uint64
	source  cluster.Incarnation
	epoch   cluster.Epoch // of the source's ownership
	machine *cluster.Adoption
	box     box

	state  *loaded
	log    cluster.Stretch // of the source's, as far as it was read
	expect *cluster.Expectation
	from   cluster.LogSeq
	hold   *cluster.Holding
	lot    *lot
	heard  time.Duration
	pace   time.Duration // when to look at etcd whatever happens
}

func (a *arrival) run() {
	l := a.l
	var e cluster.AdoptEffect
	for {
		var in cluster.AdoptInput
		switch e.Do {
		case cluster.AdoptNothing:
			in = a.listen()
		case cluster.AdoptLoad, cluster.AdoptReplay:
			in = a.read(e)
		case cluster.AdoptPrepared:
			a.tell(&clusterv1.Handoff{Body: &clusterv1.Handoff_Prepared_{Prepared: &clusterv1.Handoff_Prepared{
				Through: uint64(e.Through), Log: string(l.log.stream.name), From: uint64(a.from), Lease: int64(l.member.LeaseID()),
			}}})
		case cluster.AdoptVerified:
			if a.lot == nil {
				a.lot = new(lot)
				l.lots[a.shard] = a.lot
			}
			a.tell(&clusterv1.Handoff{Body: &clusterv1.Handoff_Verified_{Verified: &clusterv1.Handoff_Verified{StateHash: e.Hash}}})
		case cluster.AdoptConfirm:
			var err error
			a.hold, err = l.member.Adopt(l.within(l.patience()), a.expect)
			in = cluster.AdoptInput{Adopted: err == nil, Err: err}
		case cluster.AdoptServe:
			l.host(a.hold, a.state.people)
			// Whose view of the assignments is late must not send it back at once.
			l.moves.resting[a.shard] = l.p.mono() + moveRest
			l.clear(a.shard, a.lot, l.again)
			a.tell(&clusterv1.Handoff{Body: &clusterv1.Handoff_Serving_{Serving: new(clusterv1.Handoff_Serving)}})
			return
		case cluster.AdoptForgo:
			l.w.note(l.inc, "does not get shard %d: %v", a.shard, e.Err)
			if a.expect != nil {
				l.member.Forgo(a.expect)
			}
			a.tell(&clusterv1.Handoff{Body: &clusterv1.Handoff_Refused_{Refused: &clusterv1.Handoff_Refused{Why: "it does not come"}}})
			l.clear(a.shard, a.lot, l.elsewhere)
			return
		}
		if e.Do == cluster.AdoptPrepared || e.Do == cluster.AdoptVerified {
			e = cluster.AdoptEffect{} // nothing answers these
			continue
		}
		if e = a.machine.Step(in); e.Do != cluster.AdoptNothing {
			l.w.note(l.inc, "takes shard %d over from %s: %v", a.shard, a.source, e.Do)
		}
	}
}

// listen waits until something happens.
func (a *arrival) listen() cluster.AdoptInput {
	l := a.l
	if h := a.box.take(l, a.pace-l.p.mono()); h != nil {
		a.heard = l.p.mono()
		return a.heardOf(h)
	}
	if l.p.mono() < a.pace {
		return cluster.AdoptInput{Look: l.member.View.Routes().Owner(a.shard).Incarnation != a.source}
	}
	a.pace = l.p.mono() + outcomePace
	if a.lot != nil {
		a.tell(&clusterv1.Handoff{Body: &clusterv1.Handoff_AskOutcome_{AskOutcome: new(clusterv1.Handoff_AskOutcome)}})
	}
	in := cluster.AdoptInput{Look: true}
	if l.p.mono()-a.heard > arrivalPatience || !l.sees(a.source) {
		in.Stop = errSilent
	}
	return in
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
		return cluster.AdoptInput{Aborted: errAborted}
	}
	return cluster.AdoptInput{}
}

func (a *arrival) tell(h *clusterv1.Handoff) {
	h.Move, h.Shard, h.To = a.number, uint32(a.shard), string(a.source)
	a.l.say(a.source, h)
}

// read puts the state together as far as the source's log is durable.
func (a *arrival) read(e cluster.AdoptEffect) cluster.AdoptInput {
	var err error
	if e.Do == cluster.AdoptLoad {
		err = a.load(e.Through)
	} else if next := a.log; e.Through > a.log.To {
		next.From, next.To = max(a.log.From, a.log.To+1), e.Through
		a.log.To = e.Through
		if next.From <= next.To {
			err = a.state.replay([]cluster.Stretch{next})
		}
	}
	if err != nil {
		return cluster.AdoptInput{Err: err}
	}
	in := cluster.AdoptInput{Loaded: true}
	if e.Final {
		in.Hash = a.state.people.hash()
	}
	return in
}

func (a *arrival) load(through cluster.LogSeq) error {
	l := a.l
	rec, err := l.member.Outlook(l.within(time.Second), a.shard, a.source, a.epoch, through)
	if err != nil {
		return err
	}
	if a.state, err = l.load(rec, a.shard, a.epoch+1); err != nil {
		return err
	}
	last := rec.GetSegments()[len(rec.GetSegments())-1]
	a.log = cluster.Stretch{Log: cluster.LogName(last.GetLog()), From: cluster.LogSeq(last.GetFrom()), To: through, Epoch: a.epoch}
	l.purging.share(l.w)
	defer l.purging.leave()
	a.from = l.log.seq + 1
	a.expect = l.member.Expect(a.shard, a.source, a.epoch+1, l.log.stream.name, a.from)
	return nil
}
