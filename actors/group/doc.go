// Package group is the kind of actor that holds a group of players who talk: a
// party, a guild, friends.
//
// A group begins with its first member and needs nobody to make it; whoever
// knows its name may join, up to a limit. Membership and what is said are
// journaled; a member stays one until they leave, connected or not. With the last
// member the group's lines are forgotten, because whoever joins next may be
// somebody else.
//
// Lines and presence are package chat's; connections are the gateways'.
package group
