package world

import (
	"context"

	"github.com/holdfast-game/holdfast/bench/launch"
)

// scene is a server that shows a moving world.
type scene interface {
	// addresses are those of its gateways, separated by commas.
	addresses() string
	// enter has viewer i ask to be shown the world. pushed is told what comes
	// besides the answers.
	enter(ctx context.Context, i int, s *socket, pushed func(message []byte)) error
	// usage is what the server has used of the machine.
	usage(context.Context) (launch.Usage, error)
	// explain says what a message means.
	explain(message []byte) (meaning, error)
	// follower is for one stream of messages.
	follower() follower
	// keyed: streams begin with a keyframe.
	keyed() bool
}
