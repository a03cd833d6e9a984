package peer

import (
	"context"
	"testing"

	"github.com/holdfast-game/holdfast/cluster"
)

// BenchmarkRoundTrip is a command to another node and its answer, over loopback,
// with 1,024 in flight.
func BenchmarkRoundTrip(b *testing.B) {
	const inFlight = 1024
	client, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	server, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	free := make(chan struct{}, inFlight)
	client.HandleAnswers(func(*cluster.Answer) { free <- struct{}{} })
	server.HandleCommands(func(c *cluster.Command) {
		server.SendAnswer(c.ReplyTo, &cluster.Answer{Call: c.Call, Payload: c.Payload})
	})
	ctx := context.Background()
	if _, err := client.Start(ctx); err != nil {
		b.Fatal(err)
	}
	to, err := server.Start(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Stop(ctx) // never an error
	defer server.Stop(ctx) // never an error
	for range inFlight {
		free <- struct{}{}
	}
	c := command(1, "sixty-four bytes of payload, which is about what a purchase takes")
	b.ReportAllocs()
	for b.Loop() {
		<-free
		client.SendCommand(to, c)
	}
	for range inFlight {
		<-free
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "roundtrips/s")
}

// BenchmarkLocal is a command that stays on the node.
func BenchmarkLocal(b *testing.B) {
	m, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	self, err := m.Start(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Stop(context.Background()) // never an error
	c := command(1, "")
	b.ReportAllocs()
	for b.Loop() {
		m.SendCommand(self, c)
	}
}
