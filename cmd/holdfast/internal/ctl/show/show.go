// Package show writes what a cluster says the way people read it. It owns no
// state; the tables of ctl and the screen of top use the same words.
package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
	clusterv1 "github.com/holdfast-game/holdfast/proto/cluster/v1"
)

// Dash stands where there is nothing, so that columns stay columns.
func Dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Bytes is a size in binary units, three digits of it.
func Bytes(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	v, u := float64(n)/1024, 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	return digits(v) + " " + units[u:u+1] + "iB"
}

// Number is an amount of which three digits matter.
func Number(v float64) string {
	switch {
	case v < 999.5:
		return digits(v)
	case v < 999_500:
		return digits(v/1e3) + "k"
	default:
		return digits(v/1e6) + "M"
	}
}

// digits writes three of them, and no zeros behind the point.
func digits(v float64) string {
	places := 0
	switch {
	case v < 9.995:
		places = 2
	case v < 99.95:
		places = 1
	}
	text := strconv.FormatFloat(v, 'f', places, 64)
	if places > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Millis is a time in milliseconds.
func Millis(ms float64) string {
	if ms >= 999.5 {
		return digits(ms/1000) + " s"
	}
	return digits(ms) + " ms"
}

// Share is a fraction in percent.
func Share(f float64) string { return strconv.FormatFloat(100*f, 'f', 1, 64) + " %" }

// Time is a moment in UTC, to the second.
func Time(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().Format(time.RFC3339)
}

// Exact is a moment in UTC, to the millisecond.
func Exact(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().Format("2006-01-02T15:04:05.000Z07:00")
}

// word is the last part of an enum's name, as one or more words.
func word(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
}

// NodeState is "up", "draining", "drained" or "gone". A node that an operator has
// drained may live and serve.
func NodeState(r *adminv1.NodeRow) string {
	switch {
	case !r.GetAlive() && r.GetDrained():
		return "gone, drained"
	case !r.GetAlive():
		return "gone"
	case r.GetDrained() && r.GetOwned() == 0:
		return "drained"
	case r.GetDrained():
		return "draining"
	default:
		return word(r.GetNode().GetState().String(), "NODE_STATE_")
	}
}

// Outcome is what became of a move.
func Outcome(r *clusterv1.MoveReceipt) string { return word(r.GetOutcome().String(), "MOVE_OUTCOME_") }

// MoveState is how far a planned move has got.
func MoveState(m *clusterv1.PlannedMove) string { return word(m.GetState().String(), "MOVE_STATE_") }

// OwnerEvent is what a record of the audit stream says.
func OwnerEvent(r *clusterv1.OwnerRecord) string {
	return word(r.GetEvent().String(), "OWNER_EVENT_")
}

// Mood is what the bots of a zone do.
func Mood(m clusterv1.BotMood) string { return word(m.String(), "BOT_MOOD_") }

// Size is that of a zone, in units.
func Size(z *clientv1.Zone) string { return fmt.Sprintf("%d x %d", z.GetWidth(), z.GetHeight()) }

// Hashes is the state hash of a shard that moved, or both if they differ.
func Hashes(r *clusterv1.MoveReceipt) string {
	switch {
	case r.GetHashAfter() == 0 && (r.GetHashBefore() == 0 || r.GetOutcome() != clusterv1.MoveOutcome_MOVE_OUTCOME_MOVED):
		return "-" // of an empty shard, or not known
	case r.GetHashBefore() != r.GetHashAfter():
		return fmt.Sprintf("%016x, NOT %016x", r.GetHashAfter(), r.GetHashBefore())
	default:
		return fmt.Sprintf("%016x", r.GetHashBefore())
	}
}

// Code is what an actor has answered.
func Code(c clientv1.Code) string { return word(c.String(), "CODE_") }
