package token

import (
	"errors"
	"net/http"
	"strings"
)

const (
	// proofLife is how old a proof for a resource may be, in seconds. It was made
	// for the one request that carries it.
	proofLife = 60
	// maxResourceProofs bounds the memory for replays, at some 20 bytes each.
	maxResourceProofs = 1 << 19
)

// ErrNoToken is the error of a request without an access token.
var ErrNoToken = errors.New("token: the request carries no access token")

// VerifyRequest is Verify for the access token of a request, which stands in the
// header Authorization and nowhere else (RFC 6750 section 2.1, RFC 9449 section
// 7.1). A token that is bound to a key is good only under the scheme DPoP and with
// that key's proof for this request and this token, once; under the scheme Bearer
// it is ProofRequired. A request without a token is ErrNoToken.
//
// The caller still has to compare Claims.OrganizationID with the organisation of
// the resource.
func (v *Verifier) VerifyRequest(r *http.Request) (*Claims, error) {
	scheme, raw, ok := authorization(r)
	if !ok {
		return nil, ErrNoToken
	}
	claims, err := v.Inspect(r.Context(), raw)
	if err != nil {
		return nil, err
	}
	bound := claims.Confirmation != nil
	switch {
	case !bound && scheme == "bearer":
		return claims, nil
	case !bound:
		return nil, &Error{Reason: InvalidProof, Err: errors.New("the token is bound to no key")}
	case scheme != "dpop":
		return nil, &Error{Reason: ProofRequired}
	}
	if err := v.prove(r, raw, claims.Confirmation.JKT); err != nil {
		return nil, &Error{Reason: InvalidProof, Err: err}
	}
	return claims, nil
}

// authorization reads the one header Authorization; schemes are compared in lower
// case (RFC 9110 section 11.1).
func authorization(r *http.Request) (scheme, raw string, ok bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", "", false
	}
	scheme, raw, _ = strings.Cut(values[0], " ")
	scheme = strings.ToLower(scheme)
	return scheme, raw, raw != "" && (scheme == "bearer" || scheme == "dpop")
}

// prove checks the request's proof against the key that its token is bound to.
func (v *Verifier) prove(r *http.Request, raw, jkt string) error {
	if v.config.BaseURL == "" {
		return errors.New("the verifier has no BaseURL, which proofs are compared with")
	}
	values := r.Header.Values("DPoP")
	if len(values) != 1 {
		return errors.New("there is not one header DPoP")
	}
	proof, err := ParseProof(values[0])
	if err != nil {
		return err
	}
	if err := proof.Covers(r.Method, v.config.BaseURL+r.URL.EscapedPath()); err != nil {
		return err
	}
	if err := proof.CoversToken(raw); err != nil {
		return err
	}
	now := v.config.Now().Unix()
	switch leeway := v.leeway(); {
	case proof.JKT != jkt:
		return notProof("it is by another key")
	case proof.IssuedAt > now+leeway || proof.IssuedAt <= now-proofLife-leeway:
		return notProof("it is not recent")
	}
	return v.replays.Use(proof, now)
}
