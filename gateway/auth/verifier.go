package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrUnauthenticated: the token does not say who its bearer is.
var ErrUnauthenticated = errors.New("unauthenticated")

// minSecret is the size of an HMAC key below which guessing it is easier than
// breaking SHA-256 (RFC 7518, section 3.2).
const minSecret = 32

// DefaultLeeway forgives the clocks of issuer and gateway this much difference.
const DefaultLeeway = 5 * time.Second

// Config is the key that tokens are signed with, and what they must say.
// Exactly one of Secret and PublicKey is set.
type Config struct {
	// Secret is the key of HS256 tokens, at least 32 bytes.
	Secret []byte
	// PublicKey is the key of EdDSA (Ed25519) tokens.
	PublicKey ed25519.PublicKey

	// Issuer and Audience, when not empty, must be the token's iss, and one of
	// its aud.
	Issuer   string
	Audience string

	// Leeway is how long a token is still accepted after its exp, and already
	// before its nbf. Default 5 s, at most a minute.
	Leeway time.Duration
}

// Validate rejects what cannot work.
func (c Config) Validate() error {
	switch {
	case len(c.Secret) > 0 && len(c.PublicKey) > 0:
		return errors.New("Secret, PublicKey: both are set, and only one can be what tokens are signed with")
	case len(c.Secret) == 0 && len(c.PublicKey) == 0:
		return errors.New("Secret, PublicKey: one must be set")
	case len(c.Secret) > 0 && len(c.Secret) < minSecret:
		return fmt.Errorf("Secret: has %d bytes, needs %d", len(c.Secret), minSecret)
	case len(c.PublicKey) > 0 && len(c.PublicKey) != ed25519.PublicKeySize:
		return fmt.Errorf("PublicKey: has %d bytes, an Ed25519 key has %d", len(c.PublicKey), ed25519.PublicKeySize)
	case c.Leeway < 0 || c.Leeway > time.Minute:
		return fmt.Errorf("Leeway: %s, must be 0 to 1m", c.Leeway)
	}
	return nil
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	parser *jwt.Parser
	key    any
}

// New returns a verifier for tokens signed with the configured key.
func New(c Config) (*Verifier, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Leeway == 0 {
		c.Leeway = DefaultLeeway
	}
	v := &Verifier{key: any(c.PublicKey)}
	alg := jwt.SigningMethodEdDSA.Alg()
	if len(c.Secret) > 0 {
		v.key, alg = c.Secret, jwt.SigningMethodHS256.Alg()
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods([]string{alg}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(c.Leeway),
		jwt.WithStrictDecoding(),
	}
	if c.Issuer != "" {
		rules = append(rules, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		rules = append(rules, jwt.WithAudience(c.Audience))
	}
	v.parser = jwt.NewParser(rules...)
	return v, nil
}

// Verify returns the player that the token was issued to. Every error is an
// ErrUnauthenticated; its text is fit for the client.
func (v *Verifier) Verify(token string) (player string, err error) {
	var claims jwt.RegisteredClaims
	if _, err := v.parser.ParseWithClaims(token, &claims, v.keyOf); err != nil {
		return "", fmt.Errorf("%w: %s", ErrUnauthenticated, reason(err))
	}
	if err := ValidatePlayer(claims.Subject); err != nil {
		return "", fmt.Errorf("%w: the token's subject is not a player: %w", ErrUnauthenticated, err)
	}
	return claims.Subject, nil
}

// keyOf ignores the token: what it says about its key is not to be trusted.
func (v *Verifier) keyOf(*jwt.Token) (any, error) { return v.key, nil }

// reason says what is wrong in words that help a client's author and tell a
// forger nothing.
func reason(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "the token is not a JSON Web Token"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return "the token's signature or algorithm is not the expected one"
	case errors.Is(err, jwt.ErrTokenExpired):
		return "the token has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "the token is not valid yet"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "the token lacks a required claim (exp, and iss or aud if configured)"
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidAudience):
		return "the token is from another issuer or for another audience"
	default:
		return "the token is not valid"
	}
}
