package devstack

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap/zapcore"
)

// zapCore hands what etcd logs to a slog.Logger.
type zapCore struct {
	log *slog.Logger
	// serving is false while etcd starts and stops: it complains about its own
	// listeners then, and what matters comes back as an error.
	serving *atomic.Bool
	// talkative: what is more usual than a warning is information, not debug.
	talkative bool
}

// harmless are complaints of an etcd that has made no snapshot yet.
var harmless = []string{"Failed to detect schema version", "failed to update storage version"}

func (c zapCore) level(l zapcore.Level) slog.Level {
	switch {
	case c.talkative && l == zapcore.InfoLevel:
		return slog.LevelInfo
	case !c.serving.Load() || l < zapcore.WarnLevel:
		return slog.LevelDebug
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

func (c zapCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), c.level(l))
}

func (c zapCore) With(fields []zapcore.Field) zapcore.Core {
	c.log = c.log.With(attrs(fields)...)
	return c
}

func (c zapCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c zapCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := c.level(e.Level)
	if slices.Contains(harmless, e.Message) {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, e.Message, attrs(fields)...)
	return nil
}

func (zapCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []any {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(enc)
	}
	out := make([]any, 0, len(enc.Fields))
	for _, f := range fields {
		if v, ok := enc.Fields[f.Key]; ok {
			out = append(out, slog.Any(f.Key, v))
		}
	}
	return out
}

// natsLogger hands what NATS logs to a slog.Logger, and remembers the last
// failure: the server does not return it.
type natsLogger struct {
	log *slog.Logger
	// talkative: as of a zapCore.
	talkative bool

	mu   sync.Mutex
	last string
}

func (l *natsLogger) Noticef(format string, v ...any) {
	level := slog.LevelDebug
	if l.talkative {
		level = slog.LevelInfo
	}
	l.log.Log(context.Background(), level, fmt.Sprintf(format, v...))
}

func (l *natsLogger) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Tracef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Warnf(format string, v ...any)  { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Errorf(format string, v ...any) { l.fail(fmt.Sprintf(format, v...)) }
func (l *natsLogger) Fatalf(format string, v ...any) { l.fail(fmt.Sprintf(format, v...)) }

func (l *natsLogger) fail(text string) {
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = text
}

// because returns ": " and the last failure, or nothing.
func (l *natsLogger) because() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return ""
	}
	return ": " + l.last
}
