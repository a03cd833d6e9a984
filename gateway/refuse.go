package gateway

import (
	"fmt"
	"time"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// overloadRetry is how long a client is told to wait that has too many requests
// under way: some of them will have been answered.
const overloadRetry = 50 * time.Millisecond

// refuse makes an error frame; trying again will not help.
func refuse(seq uint64, code clientv1.Code, format string, args ...any) *clientv1.ServerFrame {
	return retryLater(seq, code, 0, format, args...)
}

// retryLater makes an error frame that says when to try again.
func retryLater(seq uint64, code clientv1.Code, after time.Duration, format string, args ...any) *clientv1.ServerFrame {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	ms := (after + time.Millisecond - 1) / time.Millisecond
	return &clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Error{
		Error: &clientv1.Error{Code: code, Text: text, RetryAfterMs: uint64(ms)},
	}}
}

// refusal makes an error frame of an actor's refusal.
func refusal(seq uint64, a *cluster.Answer) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Seq: seq, Body: &clientv1.ServerFrame_Error{
		Error: &clientv1.Error{Code: a.Code, Text: a.Text, RetryAfterMs: a.RetryAfterMs},
	}}
}
