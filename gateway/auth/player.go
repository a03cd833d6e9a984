package auth

import (
	"fmt"
	"regexp"
)

// playerID keeps ids free of the slash, which separates player and number in an
// order id, and of everything that would need escaping in a log line or a URL.
var playerID = regexp.MustCompile(`^[A-Za-z0-9._:@-]{1,64}$`)

// ValidatePlayer says whether id can be a player's id: 1 to 64 of the letters
// A to Z and a to z, digits, and . _ : @ -
func ValidatePlayer(id string) error {
	if !playerID.MatchString(id) {
		return fmt.Errorf("player id %.80q: must match %s", id, playerID)
	}
	return nil
}
