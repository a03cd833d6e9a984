// Command server is holdfast with guilds.
package main

import (
	"github.com/holdfast-game/holdfast/cmd/holdfast/app"
	"github.com/holdfast-game/holdfast/docs/examples/guild"
)

func main() { app.Main(guild.Kind()) }
