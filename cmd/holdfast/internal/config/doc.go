// Package config gathers what an operator told `holdfast serve`: by flags, by
// environment variables, by a YAML file and by the defaults, in this order of
// precedence.
//
// A setting has one name, kebab-case, in all of them: the flag --rate-limit, the
// variable HOLDFAST_RATE_LIMIT and the key rate-limit. The settings are a table
// (settings.go), which the flags, the parsing and the messages come from. Load
// returns a Config that is valid, or an error that names the setting and where
// its value was given. Whether a port is free or a server answers is found out
// by those who use them.
package config
