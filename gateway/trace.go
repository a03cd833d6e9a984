package gateway

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-game/holdfast/cluster"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// startSpan begins the span of a request, and returns it with its W3C
// traceparent.
func startSpan(t trace.Tracer, m *method, session string, cmd *cluster.Command) (trace.Span, string) {
	_, span := t.Start(context.Background(), "gateway."+m.name,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("holdfast.session", session),
			attribute.String("holdfast.actor", cmd.To.String()),
			attribute.String("holdfast.method", cmd.Method),
		))
	sc := span.SpanContext()
	if !sc.IsValid() {
		return span, ""
	}
	return span, fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags())
}

func endSpan(span trace.Span, code clientv1.Code) {
	if code != clientv1.Code_CODE_UNSPECIFIED {
		span.SetStatus(codes.Error, codeName(code))
	}
	span.End()
}
