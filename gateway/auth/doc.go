// Package auth says who a JSON Web Token belongs to, and mints tokens for
// development.
//
// It owns the rules: the algorithm is pinned by the configuration and never
// taken from the token, an expiry is required, and the subject must be a valid
// player id. Its caller supplies the key and decides what a refused token costs
// the connection. It does not issue tokens to players, revoke them or keep
// anything about them: that is the business of the game's own login.
package auth
