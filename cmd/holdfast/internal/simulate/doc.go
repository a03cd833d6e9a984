// Package simulate is `holdfast simulate`, which has clusters live that are none.
//
// `simulate` gives seeds to package sim, says what came of them, and with which
// command one that failed is run again. `simulate rebalance` plays a tape of recorded
// traffic to a cluster on paper (cluster.Rehearsal), to foretell what its nodes would
// carry and what its planner would move.
//
// It only reads, and asks no cluster anything.
package simulate
