// Package top is the screen of `holdfast ctl top`: nodes, shards, rates,
// latencies and moves of a cluster, once a second.
//
// A Model is a bubbletea model that owns what is on the screen and nothing else:
// it learns of the cluster through a Source, which its caller supplies and which
// asks the admin API, of another node if need be. While nobody answers the last
// picture stays, and the screen says since when it is old.
//
// On a narrow terminal the less important columns go, on a low one the moves and
// then the end of the shards.
package top
