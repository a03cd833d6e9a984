package gateway

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"MaxConnections":    func(c *Config) { c.MaxConnections = 0 },
		"MaxHandshakes":     func(c *Config) { c.MaxHandshakes = -1 },
		"MaxHeaderBytes":    func(c *Config) { c.MaxHeaderBytes = 0 },
		"MaxInFlight":       func(c *Config) { c.MaxInFlight = 0 },
		"MaxWatched":        func(c *Config) { c.MaxWatched = 0 },
		"HeaderTimeout":     func(c *Config) { c.HeaderTimeout = 0 },
		"HelloTimeout":      func(c *Config) { c.HelloTimeout = 0 },
		"FrameTimeout":      func(c *Config) { c.FrameTimeout = 0 },
		"WriteTimeout":      func(c *Config) { c.WriteTimeout = 0 },
		"PingInterval":      func(c *Config) { c.PingInterval = 0 },
		"PongWait":          func(c *Config) { c.PongWait = c.PingInterval },
		"CloseGrace":        func(c *Config) { c.CloseGrace = 0 },
		"StockRefresh":      func(c *Config) { c.StockRefresh = 0 },
		"MaxMessageBytes":   func(c *Config) { c.MaxMessageBytes = 100 },
		"RequestsPerSecond": func(c *Config) { c.RequestsPerSecond = -1 },
		"Burst":             func(c *Config) { c.Burst = 0 },
		"Origins":           func(c *Config) { c.Origins = []string{"*", "game.example"} },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	c := DefaultConfig()
	c.RequestsPerSecond, c.Burst = 0, 0
	c.Origins = []string{"https://game.example", "http://localhost:8080"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
