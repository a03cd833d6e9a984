package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

const (
	// lookEvery is the pace at which a cluster is looked at while waiting.
	lookEvery = 200 * time.Millisecond
	// lookPatience bounds one look, so that a node that hangs is left for another.
	lookPatience = 3 * time.Second
	// receiptPatience is how long receipts may come behind the last move.
	receiptPatience = 2 * time.Second
	// Of an errand of n shards this many receipts are read at the end, tries that
	// were rolled back among them, and at most so many: that of the admin API.
	receiptsEach, receiptsLeast, receiptsMost = 3, 50, 1000
)

// state is what a cluster looks like at one moment.
type state struct {
	nodes  map[string]*adminv1.NodeRow
	shards []*adminv1.ShardRow
	moves  *adminv1.MovesResponse
}

// errand is what a command with --wait waits for.
type errand struct {
	// doing names it, such as "move shard 7 to b".
	doing string
	// total is the number of steps, each of them a shard.
	total int
	// moves is how many of them should leave a receipt.
	moves int
	// look counts the steps that are done. It fails when the rest will never be.
	look func(*state) (done int, finished bool, err error)
	// left says what is not done yet.
	left func(*state) string
	// mine says whether a receipt is of this errand.
	mine func(*clusterv1.MoveReceipt) bool
}

// begin makes a change and says what there is to wait for; nil for nothing.
type begin func(ctx context.Context, l *line) (proto.Message, *errand, error)

// run makes a change, prints what it was, and waits if it should.
func (d *desk) run(c *cobra.Command, wait bool, change begin, show func(io.Writer, proto.Message)) error {
	l, err := d.dial()
	if err != nil {
		return exit.Unstarted(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), d.timeout)
	defer cancel()
	var known string
	if wait {
		before, err := look(ctx, l, 1)
		if err != nil {
			return err
		}
		known = newest(before.moves.GetReceipts())
	}
	result, e, err := change(ctx, l)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if !d.asJSON {
		if err := printTable(out, func(w io.Writer) { show(w, result) }); err != nil {
			return err
		}
	} else if !wait {
		return printJSON(out, result)
	}
	var receipts []*clusterv1.MoveReceipt
	var failed error
	if wait && e != nil {
		receipts, failed = d.wait(ctx, l, e, known, c.ErrOrStderr())
	}
	if d.asJSON {
		err = printWaited(out, result, receipts)
	} else if len(receipts) > 0 {
		err = printTable(out, func(w io.Writer) { fmt.Fprintln(w); printReceipts(w, receipts) })
	}
	return errors.Join(failed, sound(receipts), err)
}

// wait waits until an errand is done, and returns its receipts: those behind the
// one that was known before.
func (d *desk) wait(ctx context.Context, l *line, e *errand, known string, errs io.Writer) ([]*clusterv1.MoveReceipt, error) {
	bar := newProgress(errs, e.doing, e.total)
	defer bar.end()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last *state
	var silence error
	var ended time.Time
	all := uint32(min(e.total*receiptsEach+receiptsLeast, receiptsMost))
	for ctx.Err() == nil {
		limit := uint32(1)
		if !ended.IsZero() {
			limit = all
		}
		now, err := look(ctx, l, limit)
		switch {
		case err == nil:
			last, silence = now, nil
			done, finished, err := e.look(now)
			if err != nil {
				receipts := e.receipts(now, known)
				return receipts, fmt.Errorf("%s: %w%s", e.doing, err, lastTry(receipts))
			}
			bar.set(done)
			if finished && ended.IsZero() {
				ended = time.Now()
				continue // for the receipts
			}
			if receipts := e.receipts(now, known); !ended.IsZero() && (moved(receipts) >= e.moves || time.Since(ended) > receiptPatience) {
				return receipts, nil
			}
		case !hangUp(err):
			return nil, fmt.Errorf("%s: %w", e.doing, err)
		default:
			silence = err
			l.turn()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	var receipts []*clusterv1.MoveReceipt
	if now, err := look(context.WithoutCancel(ctx), l, all); err == nil {
		last, silence = now, nil
		receipts = e.receipts(now, known)
	}
	if !ended.IsZero() {
		return receipts, nil
	}
	return receipts, exit.With(exit.NotDone, errors.New(d.giveUp(e, last, silence, receipts)))
}

// giveUp says what is not done, why as far as is known, and that it goes on.
func (d *desk) giveUp(e *errand, last *state, silence error, receipts []*clusterv1.MoveReceipt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: not done within %s", e.doing, d.timeout)
	if last != nil {
		fmt.Fprintf(&b, ": %s", e.left(last))
	}
	b.WriteString(lastTry(receipts))
	if silence != nil {
		fmt.Fprintf(&b, "; nobody answers: %v", silence)
	}
	b.WriteString("; it goes on: see `ctl moves`")
	return b.String()
}

// lastTry says why the last move did not come about, if it did not.
func lastTry(receipts []*clusterv1.MoveReceipt) string {
	if len(receipts) == 0 || receipts[0].GetWhy() == "" {
		return ""
	}
	return fmt.Sprintf("; the last try of shard %d: %s", receipts[0].GetShard(), receipts[0].GetWhy())
}

// look asks a node what the cluster looks like, and for its latest receipts.
func look(ctx context.Context, l *line, receipts uint32) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	nodes, err := ask(ctx, l, adminv1connect.AdminServiceClient.Nodes, new(adminv1.NodesRequest))
	if err != nil {
		return nil, err
	}
	l.learn(nodes)
	shards, err := ask(ctx, l, adminv1connect.AdminServiceClient.Shards, new(adminv1.ShardsRequest))
	if err != nil {
		return nil, err
	}
	moves, err := ask(ctx, l, adminv1connect.AdminServiceClient.Moves, &adminv1.MovesRequest{Limit: receipts})
	if err != nil {
		return nil, err
	}
	s := &state{nodes: make(map[string]*adminv1.NodeRow), shards: shards.GetShards(), moves: moves}
	for _, r := range nodes.GetNodes() {
		s.nodes[r.GetNode().GetName()] = r
	}
	return s, nil
}

// shard returns the row of a shard; an empty one if there is none.
func (s *state) shard(n uint32) *adminv1.ShardRow {
	if int(n) < len(s.shards) {
		return s.shards[n]
	}
	return new(adminv1.ShardRow)
}

// newest names the first of some receipts: moves are numbered by each incarnation.
func newest(receipts []*clusterv1.MoveReceipt) string {
	if len(receipts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%d", receipts[0].GetFromIncarnation(), receipts[0].GetMove())
}

// receipts returns those of this errand that are newer than the known one, the
// latest first.
func (e *errand) receipts(s *state, known string) (out []*clusterv1.MoveReceipt) {
	all := s.moves.GetReceipts()
	for i, r := range all {
		if known != "" && newest(all[i:]) == known {
			break
		}
		if e.mine(r) {
			out = append(out, r)
		}
	}
	return out
}

func moved(receipts []*clusterv1.MoveReceipt) (n int) {
	for _, r := range receipts {
		if r.GetOutcome() == clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED {
			n++
		}
	}
	return n
}

// printWaited prints the result of a change and the receipts that came of it as
// one JSON text.
func printWaited(w io.Writer, result proto.Message, receipts []*clusterv1.MoveReceipt) error {
	both := struct {
		Result   json.RawMessage   `json:"result"`
		Receipts []json.RawMessage `json:"receipts"`
	}{Receipts: make([]json.RawMessage, len(receipts))}
	var err error
	if both.Result, err = steadyJSON(result); err != nil {
		return err
	}
	for i, r := range receipts {
		if both.Receipts[i], err = steadyJSON(r); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(both, "", "  ")
	if err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}
