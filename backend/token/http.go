package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Protect lets requests pass that carry a token of any organisation. The handler
// behind it has to compare Claims.OrganizationID with the organisation of what it
// serves; where that stands in the path, ProtectOrganization does it.
func (v *Verifier) Protect(next http.Handler) http.Handler {
	return v.protect("", next)
}

// ProtectOrganization lets requests pass that carry a token of the organisation
// whose id is the path's wildcard of that name: ProtectOrganization("organization",
// h) for "/organizations/{organization}/notes".
func (v *Verifier) ProtectOrganization(wildcard string, next http.Handler) http.Handler {
	return v.protect(wildcard, next)
}

func (v *Verifier) protect(wildcard string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := v.VerifyRequest(r)
		if err == nil && wildcard != "" && claims.OrganizationID != r.PathValue(wildcard) {
			err = &Error{Reason: WrongOrganization}
		}
		if err != nil {
			Refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	})
}

type claimsKey struct{}

// ClaimsFrom returns the claims of the request that Protect let pass, and nil in
// any other context.
func ClaimsFrom(ctx context.Context) *Claims {
	claims, _ := ctx.Value(claimsKey{}).(*Claims)
	return claims
}

// Refuse answers a request whose token was refused (RFC 6750 section 3, RFC 9449
// section 7.1): 401 where another token or proof could help, 403 where the token is of another organisation, 503
// where the keys could not be had.
func Refuse(w http.ResponseWriter, err error) {
	status, code := http.StatusUnauthorized, "invalid_token"
	switch reason := ReasonOf(err); {
	case errors.Is(err, ErrNoToken):
		w.Header().Set("WWW-Authenticate", "Bearer")
	case reason == WrongOrganization:
		status, code = http.StatusForbidden, "organization_mismatch"
	case reason == KeysUnavailable:
		status, code = http.StatusServiceUnavailable, "temporarily_unavailable"
	case reason == InvalidProof:
		code = "invalid_dpop_proof"
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_dpop_proof", algs="ES256"`)
	case reason == ProofRequired:
		w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token", error_description="proof_required", algs="ES256"`)
	default:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="invalid_token", error_description=%q`, reason))
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": string(ReasonOf(err))})
}
