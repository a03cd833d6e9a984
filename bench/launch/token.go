package launch

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenLife is how long a player's token is valid: longer than any run.
const tokenLife = 24 * time.Hour

// Token signs a token for a player, as the cluster's own would be.
func (t Target) Token(player string) (string, error) {
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject:   player,
		IssuedAt:  jwt.NewNumericDate(now.Add(-time.Minute)), // clocks differ
		ExpiresAt: jwt.NewNumericDate(now.Add(tokenLife)),
	}).SignedString([]byte(t.Secret))
	if err != nil {
		return "", fmt.Errorf("sign token for %s: %w", player, err)
	}
	return token, nil
}
