package play

import (
	"context"
	"log/slog"
	"net/http"
)

// Config is what the page works with.
type Config struct {
	// Mint signs a token for a player. nil: the tokens of this cluster are signed
	// with a key that the node does not have, and the page says so.
	Mint func(player string) (token string, err error)
	// Greet gives a player what every new one gets. It is called before each token,
	// and must give it once. nil: nothing.
	Greet func(ctx context.Context, player string) error

	Logger *slog.Logger // nil: none
}

// Handler serves the page.
func Handler(cfg Config) http.Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /play/{file...}", http.HandlerFunc(serveFile))
	mux.Handle("POST /play/token", &counter{cfg: cfg, lines: newQueues()})
	mux.Handle("GET /play", http.RedirectHandler("/play/", http.StatusPermanentRedirect))
	mux.Handle("GET /{$}", http.RedirectHandler("/play/", http.StatusTemporaryRedirect))
	// Another site's page must not fetch tokens with a visitor's browser.
	return http.NewCrossOriginProtection().Handler(mux)
}
