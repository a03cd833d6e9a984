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
	frameEnterZone
	frameLeaveZone
	frameIntent
	frameListZones
	frameWho
	frameSay
	frameReadChat
	frameJoinGroup
	frameLeaveGroup
	frameResync
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
	frameEnterZone:   "enter_zone",
	frameLeaveZone:   "leave_zone",
	frameIntent:      "intent",
	frameListZones:   "list_zones",
	frameWho:         "who",
	frameSay:         "say",
	frameReadChat:    "read_chat",
	frameJoinGroup:   "join_group",
	frameLeaveGroup:  "leave_group",
	frameResync:      "resync",
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
	case *clientv1.ClientFrame_EnterZone:
		return frameEnterZone
	case *clientv1.ClientFrame_LeaveZone:
		return frameLeaveZone
	case *clientv1.ClientFrame_Intent:
		return frameIntent
	case *clientv1.ClientFrame_ListZones:
		return frameListZones
	case *clientv1.ClientFrame_Who:
		return frameWho
	case *clientv1.ClientFrame_Say:
		return frameSay
	case *clientv1.ClientFrame_ReadChat:
		return frameReadChat
	case *clientv1.ClientFrame_JoinGroup:
		return frameJoinGroup
	case *clientv1.ClientFrame_LeaveGroup:
		return frameLeaveGroup
	case *clientv1.ClientFrame_Resync:
		return frameResync
	default:
		return frameUnknown
	}
}
