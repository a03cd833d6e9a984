package serve

import (
	"io"
	"log/slog"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/config"
)

// newLogger returns the logger that cfg asks for.
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
