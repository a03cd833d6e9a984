package gateway_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/holdfast-game/holdfast/cluster"
	"github.com/holdfast-game/holdfast/gateway"
)

// spanTracer makes spans of one known context.
type spanTracer struct {
	noop.Tracer
	names chan string
	ended chan struct{}
}

type knownSpan struct {
	noop.Span
	ended chan struct{}
}

func (knownSpan) SpanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 15: 2}, SpanID: trace.SpanID{3, 7: 4}, TraceFlags: trace.FlagsSampled,
	})
}

func (s knownSpan) End(...trace.SpanEndOption) { s.ended <- struct{}{} }

func (t spanTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	t.names <- name
	return ctx, knownSpan{ended: t.ended}
}

func TestTrace(t *testing.T) {
	tracer := spanTracer{names: make(chan string, 1), ended: make(chan struct{}, 1)}
	h := open(t, func(c *gateway.Config, _ *house) { c.Tracer = tracer })
	c := h.greeted(t, gateway.SubprotocolProto, "ann")
	parents := make(chan string, 1)
	h.router.answer = func(cmd *cluster.Command) *cluster.Answer {
		parents <- cmd.Traceparent
		return answerAtOnce(cmd)
	}
	c.ask(buy(2, 7, "sword", 1))
	if got := <-tracer.names; got != "gateway.buy" {
		t.Errorf("span %q", got)
	}
	if got, want := <-parents, "00-01000000000000000000000000000002-0300000000000004-01"; got != want {
		t.Errorf("traceparent %q, want %q", got, want)
	}
	<-tracer.ended
}
