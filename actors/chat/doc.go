// Package chat is what kinds of actors with a chat channel have in common: who
// is in it (People), and what was said (Channel).
//
// It owns the rules: how long a line may be, how many of them a player may say,
// how many are kept. A line is numbered by who says it, so that a copy of a Say
// is not said again; any numbers will do that increase, and those of a clock
// need no memory.
//
// The kind that has a channel decides who may speak and who may read, journals
// the events that Channel.Hear returns, and gives them to Channel.Apply. Nothing
// here is volatile, and nothing is random: equal events give equal states.
//
// The package sends nothing, and has no actor of its own.
package chat
