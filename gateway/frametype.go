package gateway

import clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"

// frameType is what a frame asks, for metrics.
type frameType int

const (
	frameUnknown frameType = iota
	frameBroken
	frameHello
	framePing
	frameGetPlayer
	frameListCatalog
	frameBuy
	frameWatch
	frameCall
	numFrameTypes
)

var frameTypeNames = [numFrameTypes]string{
	frameUnknown:     "unknown",
	frameBroken:      "broken",
	frameHello:       "hello",
	framePing:        "ping",
	frameGetPlayer:   "get_player",
	frameListCatalog: "list_catalog",
	frameBuy:         "buy",
	frameWatch:       "watch",
	frameCall:        "call",
}

func frameTypeOf(f *clientv1.ClientFrame) frameType {
	switch f.GetBody().(type) {
	case *clientv1.ClientFrame_Hello:
		return frameHello
	case *clientv1.ClientFrame_Ping:
		return framePing
	case *clientv1.ClientFrame_GetPlayer:
		return frameGetPlayer
	case *clientv1.ClientFrame_ListCatalog:
		return frameListCatalog
	case *clientv1.ClientFrame_Buy:
		return frameBuy
	case *clientv1.ClientFrame_Watch:
		return frameWatch
	case *clientv1.ClientFrame_Call:
		return frameCall
	default:
		return frameUnknown
	}
}
