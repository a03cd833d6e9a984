package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Grant is what a minted token says.
type Grant struct {
	// Player is the token's subject.
	Player string
	// Expires is the token's exp. Required.
	Expires time.Time
	// Issuer and Audience are left out when empty.
	Issuer   string
	Audience string
}

// Mint signs a token: HS256 with a key of type []byte, EdDSA with an
// ed25519.PrivateKey. It is for development and tests: a game's players get
// theirs from its login.
func Mint(key any, g Grant) (string, error) {
	if err := ValidatePlayer(g.Player); err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	if g.Expires.IsZero() {
		return "", errors.New("mint token: Expires must be set")
	}
	claims := jwt.RegisteredClaims{
		Subject:   g.Player,
		ExpiresAt: jwt.NewNumericDate(g.Expires),
		Issuer:    g.Issuer,
	}
	if g.Audience != "" {
		claims.Audience = jwt.ClaimStrings{g.Audience}
	}
	var method jwt.SigningMethod
	switch k := key.(type) {
	case []byte:
		if len(k) < minSecret {
			return "", fmt.Errorf("mint token: the secret has %d bytes, needs %d", len(k), minSecret)
		}
		method = jwt.SigningMethodHS256
	case ed25519.PrivateKey:
		method = jwt.SigningMethodEdDSA
	default:
		return "", fmt.Errorf("mint token: a key of type %T is neither []byte nor ed25519.PrivateKey", key)
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return token, nil
}
