package serve

import (
	"net"
	"testing"
)

func TestAdvertised(t *testing.T) {
	for _, tc := range []struct{ listener, peer, want string }{
		{"10.0.0.1:8081", "10.0.0.1:7000", "10.0.0.1:8081"},
		{"127.0.0.1:8081", "127.0.0.1:0", "127.0.0.1:8081"}, // several nodes on one machine
		{"127.0.0.1:8081", "10.0.0.1:7000", ""},
		{"0.0.0.0:8081", "10.0.0.1:7000", ""},
		{"[::]:8081", "127.0.0.1:0", ""},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tc.listener)
		if err != nil {
			t.Fatal(err)
		}
		if got := advertised(addr, settings(t, "--peer", tc.peer)); got != tc.want {
			t.Errorf("%s beside %s: %q, want %q", tc.listener, tc.peer, got, tc.want)
		}
	}
}

func TestGatewayConfigIsValid(t *testing.T) {
	for _, args := range [][]string{nil, {"--rate-limit=0"}, {"--origins=*,https://game.example"}} {
		if err := gatewayConfig(settings(t, args...)).Validate(); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
