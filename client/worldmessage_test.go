package client

import (
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

func encoded(t testing.TB, f *clientv1.ServerFrame) []byte {
	t.Helper()
	data, err := proto.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func worldOf(stream uint32, frame string) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_World{World: &clientv1.WorldFrame{Stream: stream, Frame: []byte(frame)}}}
}

func keyOf(stream uint32, zone string, cell uint32, frame string) *clientv1.ServerFrame {
	return &clientv1.ServerFrame{Body: &clientv1.ServerFrame_WorldKey{
		WorldKey: &clientv1.WorldKey{Stream: stream, Zone: zone, Cell: cell, Frame: []byte(frame)},
	}}
}

// What is read by hand is what the generated code writes.
func TestScanWorld(t *testing.T) {
	for _, tc := range []struct {
		frame *clientv1.ServerFrame
		want  WorldMessage
	}{
		{worldOf(7, "abc"), WorldMessage{Kind: WorldFrame, Stream: 7, Frame: []byte("abc")}},
		{worldOf(1<<31, "a"), WorldMessage{Kind: WorldFrame, Stream: 1 << 31, Frame: []byte("a")}},
		{worldOf(0, ""), WorldMessage{Kind: WorldFrame}},
		{keyOf(3, "plaza", 4095, "key"), WorldMessage{Kind: WorldKey, Stream: 3, Zone: "plaza", Cell: 4095, Frame: []byte("key")}},
		{keyOf(0, "", 0, ""), WorldMessage{Kind: WorldKey}},
	} {
		var got WorldMessage
		ok, err := scanWorld(encoded(t, tc.frame), &got)
		if len(got.Frame) == 0 {
			got.Frame = nil
		}
		if !ok || err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%v: got %v %+v, %v, want %+v", tc.frame, ok, got, err, tc.want)
		}
	}
	for _, f := range []*clientv1.ServerFrame{
		{},
		{Seq: 5, Body: worldOf(7, "abc").Body}, // an answer is somebody's
		{Body: &clientv1.ServerFrame_WorldGone{WorldGone: &clientv1.WorldGone{Streams: []uint32{1}}}},
		{Body: &clientv1.ServerFrame_Stock{Stock: &clientv1.StockLevel{Sku: "sword"}}},
	} {
		var m WorldMessage
		if ok, err := scanWorld(encoded(t, f), &m); ok || err != nil {
			t.Errorf("%v: got %t, %v, want it left alone", f, ok, err)
		}
	}
	whole := encoded(t, keyOf(300, "plaza", 4095, "key"))
	for n := 1; n < len(whole); n++ {
		var m WorldMessage
		if _, err := scanWorld(whole[:n], &m); !errors.Is(err, ErrProtocol) {
			t.Errorf("the first %d bytes: got %v, want %v", n, err, ErrProtocol)
		}
	}
}

func TestScanWorldAllocatesNothing(t *testing.T) {
	data := encoded(t, worldOf(7, "abc"))
	var m WorldMessage
	got := testing.AllocsPerRun(100, func() {
		if ok, err := scanWorld(data, &m); !ok || err != nil {
			t.Error(ok, err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
