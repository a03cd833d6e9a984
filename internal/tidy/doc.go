// Package tidy holds the repository's own rules as tests: which package may
// import which, what every package says about itself, that generated code is up
// to date. It has nothing for others to import, and no opinion on what a linter
// already checks.
package tidy
