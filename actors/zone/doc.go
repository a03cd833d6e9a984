// Package zone is the kind of actor that holds a piece of a moving world: who is
// in it, where everybody is and walks to, and what is said.
//
// # What is journaled, and what is not
//
// What the zone is (Open, Close), who is in it (Enter, Leave) and what was said
// are events. Where everybody is (world.go) is volatile: nobody would want to
// wait for a disk to see a step. A crash makes everybody begin anew somewhere;
// a planned move does not, because a zone that parts from its node journals where
// everybody is (park.go), and whoever gets it goes on from there.
//
// # A tick
//
// While anybody is there, the zone wakes itself so many times a second, moves
// the world on, and shows it: for each interest cell (cell.go) one frame of the
// delta codec, on a topic of its own. A cell in which nothing has changed is
// shown once a second. Ticks that come too late are caught up with, up to three;
// the others are skipped, and the frames say so by their numbers.
//
// Decide only looks at the world: intents, ticks and new streams are carried out
// by ApplyVolatile, frames are made by Cast.
//
// # What players can do
//
// An intent (intent.go) is a wish for one's own entity: to move at a velocity, to
// walk to a place, to strike somebody. It never says where the entity is. What
// goes beyond the zone's limits is cut to them, and counted. Who is not heard of
// for half a minute has left.
//
// # What the package does not do
//
// It does not know who looks, or what a connection is; that is for gateways. It
// does not keep positions from one crash to the next.
package zone
