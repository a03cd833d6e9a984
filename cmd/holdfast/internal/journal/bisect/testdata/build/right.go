//go:build !plant_generous

package main

const version = "right"
