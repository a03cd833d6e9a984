package main

import "github.com/holdfast-game/holdfast/cmd/holdfast/app"

func main() { app.Main() }
