package bench

import (
	"testing"
	"time"
)

func TestEcho(t *testing.T) {
	r, err := Echo(t.Context(), EchoConfig{Connections: 8, Duration: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests == 0 || r.RequestsPerSecond == 0 || r.LatencyMs.P50 == 0 || len(r.Errors) != 0 {
		t.Errorf("got %+v, want answers and no errors", r)
	}
	if r.Parameters.FrameBytes < 25 || r.Parameters.FrameBytes > 60 {
		t.Errorf("got frames of %d bytes, want those of a purchase", r.Parameters.FrameBytes)
	}
}
