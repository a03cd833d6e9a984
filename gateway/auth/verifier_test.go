package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/holdfast-game/holdfast/gateway/auth"
)

var (
	secret     = []byte(strings.Repeat("s", 32))
	privateKey = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))
	publicKey  = privateKey.Public().(ed25519.PublicKey)
)

func sign(t *testing.T, m jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	tok, err := jwt.NewWithClaims(m, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestVerify(t *testing.T) {
	hour := time.Now().Add(time.Hour).Unix()
	good := jwt.MapClaims{"sub": "ann", "exp": hour}
	hmacOnly := auth.Config{Secret: secret}
	edOnly := auth.Config{PublicKey: publicKey}
	strict := auth.Config{Secret: secret, Issuer: "login", Audience: "holdfast"}
	with := func(name string, v any) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "ann", "exp": hour}
		if v == nil {
			delete(c, name)
		} else {
			c[name] = v
		}
		return c
	}
	hs256 := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, secret, c) }
	for name, tc := range map[string]struct {
		cfg   auth.Config
		token string
		text  string // "" for accepted
	}{
		"hs256":             {hmacOnly, hs256(good), ""},
		"eddsa":             {edOnly, sign(t, jwt.SigningMethodEdDSA, privateKey, good), ""},
		"within the leeway": {hmacOnly, hs256(with("exp", time.Now().Add(-2*time.Second).Unix())), ""},
		"issuer, audience":  {strict, hs256(jwt.MapClaims{"sub": "ann", "exp": hour, "iss": "login", "aud": []string{"other", "holdfast"}}), ""},

		"empty":           {hmacOnly, "", "not a JSON Web Token"},
		"nonsense":        {hmacOnly, "a.b.c", "not a JSON Web Token"},
		"expired":         {hmacOnly, hs256(with("exp", time.Now().Add(-10*time.Second).Unix())), "expired"},
		"no exp":          {hmacOnly, hs256(with("exp", nil)), "lacks a required claim"},
		"not yet":         {hmacOnly, hs256(with("nbf", hour)), "not valid yet"},
		"other secret":    {hmacOnly, sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), good), "signature"},
		"other algorithm": {hmacOnly, sign(t, jwt.SigningMethodHS512, secret, good), "signature or algorithm"},
		"none":            {hmacOnly, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good), "signature or algorithm"},
		"eddsa for hs256": {hmacOnly, sign(t, jwt.SigningMethodEdDSA, privateKey, good), "signature or algorithm"},
		// The old trick: the public key, which everybody has, as an HMAC secret.
		"hs256 with the public key": {edOnly, sign(t, jwt.SigningMethodHS256, []byte(publicKey), good), "signature or algorithm"},
		"changed payload":           {hmacOnly, swapPayload(hs256(good), `{"sub":"bob","exp":99999999999}`), "signature"},
		"wrong issuer":              {strict, hs256(jwt.MapClaims{"sub": "ann", "exp": hour, "iss": "me", "aud": "holdfast"}), "another issuer"},
		"no issuer":                 {strict, hs256(jwt.MapClaims{"sub": "ann", "exp": hour, "aud": "holdfast"}), "lacks a required claim"},
		"wrong audience":            {strict, hs256(jwt.MapClaims{"sub": "ann", "exp": hour, "iss": "login", "aud": "web"}), "another audience"},
		"no subject":                {hmacOnly, hs256(with("sub", nil)), "not a player"},
		"slash in subject":          {hmacOnly, hs256(with("sub", "ann/1")), "not a player"},
		"space in subject":          {hmacOnly, hs256(with("sub", "ann bob")), "not a player"},
		"newline behind subject":    {hmacOnly, hs256(with("sub", "ann\n")), "not a player"},
		"long subject":              {hmacOnly, hs256(with("sub", strings.Repeat("a", 65))), "not a player"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := auth.New(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			player, err := v.Verify(tc.token)
			if tc.text == "" {
				if err != nil || player != "ann" {
					t.Errorf("got %q, %v", player, err)
				}
				return
			}
			if player != "" || !errors.Is(err, auth.ErrUnauthenticated) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %q, %v; want an error with %q", player, err, tc.text)
			}
		})
	}
}

func swapPayload(token, payload string) string {
	parts := strings.Split(token, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(payload))
	return strings.Join(parts, ".")
}

func TestMint(t *testing.T) {
	for name, tc := range map[string]struct {
		key any
		cfg auth.Config
	}{
		"secret":  {secret, auth.Config{Secret: secret, Issuer: "me", Audience: "holdfast"}},
		"ed25519": {privateKey, auth.Config{PublicKey: publicKey, Issuer: "me", Audience: "holdfast"}},
	} {
		t.Run(name, func(t *testing.T) {
			tok, err := auth.Mint(tc.key, auth.Grant{Player: "ann.b-1@x:y_Z", Expires: time.Now().Add(time.Minute), Issuer: "me", Audience: "holdfast"})
			if err != nil {
				t.Fatal(err)
			}
			v, err := auth.New(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if player, err := v.Verify(tok); err != nil || player != "ann.b-1@x:y_Z" {
				t.Errorf("got %q, %v", player, err)
			}
		})
	}
	for name, tc := range map[string]struct {
		key any
		g   auth.Grant
	}{
		"no player":    {secret, auth.Grant{Expires: time.Now()}},
		"no expiry":    {secret, auth.Grant{Player: "ann"}},
		"short secret": {secret[:31], auth.Grant{Player: "ann", Expires: time.Now()}},
		"public key":   {publicKey, auth.Grant{Player: "ann", Expires: time.Now()}},
	} {
		if tok, err := auth.Mint(tc.key, tc.g); err == nil {
			t.Errorf("%s: minted %s", name, tok)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg   auth.Config
		field string
	}{
		"nothing":      {auth.Config{}, "Secret, PublicKey"},
		"both":         {auth.Config{Secret: secret, PublicKey: publicKey}, "Secret, PublicKey"},
		"short secret": {auth.Config{Secret: secret[1:]}, "Secret"},
		"short key":    {auth.Config{PublicKey: publicKey[1:]}, "PublicKey"},
		"leeway":       {auth.Config{Secret: secret, Leeway: time.Hour}, "Leeway"},
	} {
		if _, err := auth.New(tc.cfg); err == nil || !strings.HasPrefix(err.Error(), tc.field+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
