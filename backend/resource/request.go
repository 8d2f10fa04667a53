package resource

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/token"
)

const (
	// proofLife is the maximum age of a proof at a resource, in seconds. A proof is
	// made for the one request that carries it.
	proofLife = 60
	// maxProofs limits the memory for the replays of one key, at about 20 bytes each.
	maxProofs = 1 << 13
)

// ErrNoToken is the error of a request without an access token.
var ErrNoToken = errors.New("resource: the request carries no access token")

// VerifyRequest returns the claims of a request's valid access token, which is in the
// Authorization header and nowhere else (RFC 6750 section 2.1, RFC 9449 section 7.1). A
// token that is bound to a key is valid only under the scheme DPoP, with that key's
// proof for this request and this token, once. Under the scheme Bearer it is
// ProofRequired. The error of a request without a token is ErrNoToken.
//
// The caller still has to compare Claims.OrganizationID with the organization of the
// resource. Admit does both.
func (g *Guard) VerifyRequest(r *http.Request) (*token.Claims, error) {
	claims, err := g.inspect(r)
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// inspect is VerifyRequest, but it returns the claims of an authentic token even if it
// refuses it.
func (g *Guard) inspect(r *http.Request) (*token.Claims, error) {
	scheme, raw, ok := authorization(r)
	if !ok {
		return nil, ErrNoToken
	}
	claims, err := g.verifier.Inspect(r.Context(), raw)
	if err != nil {
		return claims, err
	}
	bound := claims.Confirmation != nil
	switch {
	case !bound && scheme == "bearer":
		return claims, nil
	case !bound:
		return claims, &token.Error{Reason: token.InvalidProof, Err: errors.New("the token is not bound to a key")}
	case scheme != "dpop":
		return claims, &token.Error{Reason: token.ProofRequired}
	}
	if err := g.prove(r, raw, claims.Confirmation.JKT); err != nil {
		return claims, &token.Error{Reason: token.InvalidProof, Err: err}
	}
	return claims, nil
}

// authorization reads the single Authorization header. One with a comma is two that a
// proxy joined (RFC 9110 section 5.3). Schemes are compared in lower case (section
// 11.1).
func authorization(r *http.Request) (scheme, raw string, ok bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 || strings.Contains(values[0], ",") {
		return "", "", false
	}
	scheme, raw, _ = strings.Cut(values[0], " ")
	scheme = strings.ToLower(scheme)
	return scheme, raw, raw != "" && (scheme == "bearer" || scheme == "dpop")
}

// prove checks the request's proof against the key that its token is bound to.
func (g *Guard) prove(r *http.Request, raw, jkt string) error {
	if g.config.BaseURL == "" {
		return errors.New("the guard has no BaseURL to compare proofs with")
	}
	values := r.Header.Values("DPoP")
	if len(values) != 1 {
		return errors.New("exactly one DPoP header is required")
	}
	proof, err := dpop.Parse(values[0])
	if err != nil {
		return err
	}
	if err := proof.Covers(r.Method, g.config.BaseURL+r.URL.EscapedPath()); err != nil {
		return err
	}
	if err := proof.CoversToken(raw); err != nil {
		return err
	}
	now := g.verifier.Now().Unix()
	switch leeway := g.leeway(); {
	case proof.JKT != jkt:
		return fmt.Errorf("%w: it is signed by another key", dpop.ErrProof)
	case proof.IssuedAt > now+leeway || proof.IssuedAt <= now-proofLife-leeway:
		return fmt.Errorf("%w: its iat is not recent", dpop.ErrProof)
	}
	return g.replays.Use(proof, now)
}

func (g *Guard) leeway() int64 { return int64(g.verifier.Leeway() / time.Second) }
