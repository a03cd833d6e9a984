package peer

import (
	"context"
	"log/slog"
)

// demote passes protoactor's records on as debug records, except for errors:
// it logs every start and dead letter as news.
type demote struct{ slog.Handler }

func (d demote) Enabled(ctx context.Context, level slog.Level) bool {
	return d.Handler.Enabled(ctx, lowered(level))
}

func (d demote) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return d.Handler.Handle(ctx, r)
}

func (d demote) WithAttrs(attrs []slog.Attr) slog.Handler { return demote{d.Handler.WithAttrs(attrs)} }

func (d demote) WithGroup(name string) slog.Handler { return demote{d.Handler.WithGroup(name)} }

func lowered(l slog.Level) slog.Level {
	if l >= slog.LevelError {
		return l
	}
	return slog.LevelDebug
}
