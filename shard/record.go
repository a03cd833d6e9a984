package shard

import (
	"context"
	"time"
)

// recordPause is how long recording rests after it has failed. Nothing is missed
// meanwhile: it goes on where it stopped.
const recordPause = time.Second

// record runs Deps.Record until the incarnation ends.
func (inc *incarnation) record(ctx context.Context) {
	for {
		err := inc.node.deps.Record(ctx, inc.member)
		if ctx.Err() != nil || inc.member.Err() != nil {
			return
		}
		inc.log.Error("changes of ownership are not recorded for now", "err", err)
		if !sleep(ctx, recordPause) {
			return
		}
	}
}
