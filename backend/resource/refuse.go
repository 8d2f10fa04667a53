package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// Refusal is the answer to a refused request.
type Refusal struct {
	Status int
	// Code is the stable error code: one of RFC 6750, 9449 or 9470,
	// organization_mismatch, invalid_link, or temporarily_unavailable.
	Code string
	// Challenge is the value of WWW-Authenticate, or empty.
	Challenge string
	// RetryAfter is when to try again. 0 means that a further attempt is of no use.
	RetryAfter time.Duration
}

// RefusalOf returns the answer to a request that was refused: 401 if
// another token, proof or authentication could help (RFC 6750 section 3, RFC 9449
// section 7.1, RFC 9470 section 3), 403 if the token is of another organization or
// lacks a permission, or a link does not open it, 503 if the keys could not be fetched.
func RefusalOf(err error) Refusal {
	if errors.Is(err, ErrLink) {
		return Refusal{Status: http.StatusForbidden, Code: string(badLink)}
	}
	var refused *token.Error
	if !errors.As(err, &refused) {
		return challenged("invalid_token", "Bearer")
	}
	scheme := "Bearer"
	if refused.Bound {
		scheme = "DPoP"
	}
	switch refused.Reason {
	case token.WrongOrganization:
		return Refusal{Status: http.StatusForbidden, Code: "organization_mismatch"}
	case token.KeysUnavailable, token.EndingsUnknown:
		return Refusal{Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", RetryAfter: token.KeySetRetry}
	case token.InvalidProof:
		return challenged("invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs="ES256"`)
	case token.ProofRequired:
		return challenged("invalid_token", `DPoP error="invalid_token", error_description="proof_required", algs="ES256"`)
	case token.InsufficientScope:
		return Refusal{Status: http.StatusForbidden, Code: "insufficient_scope",
			Challenge: fmt.Sprintf("%s error=%q, scope=%q", scheme, refused.Reason, strings.Join(refused.Demand.Permissions, " "))}
	case token.InsufficientAuthentication:
		return challenged("insufficient_user_authentication",
			fmt.Sprintf("%s error=%q%s", scheme, refused.Reason, stepUp(refused.Demand)))
	}
	return challenged("invalid_token", fmt.Sprintf(`%s error="invalid_token", error_description=%q`, scheme, refused.Reason))
}

func challenged(code, challenge string) Refusal {
	return Refusal{Status: http.StatusUnauthorized, Code: code, Challenge: challenge}
}

// stepUp returns the parameters of a challenge for a step-up.
func stepUp(d token.Demand) (parameters string) {
	if len(d.ACR) > 0 {
		parameters += fmt.Sprintf(", acr_values=%q", strings.Join(d.ACR, " "))
	}
	if d.MaxAge > 0 {
		parameters += fmt.Sprintf(`, max_age="%d"`, int64(d.MaxAge/time.Second))
	}
	return parameters
}

// Refuse answers a refused request by RefusalOf.
func Refuse(w http.ResponseWriter, err error) {
	refusal, reason := RefusalOf(err), reasonOf(err)
	if refusal.Challenge != "" {
		w.Header().Set("WWW-Authenticate", refusal.Challenge)
	}
	if refusal.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(refusal.RetryAfter/time.Second)))
	}
	if reason == "" {
		reason = noToken
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	json.NewEncoder(w).Encode(map[string]string{"error": refusal.Code, "error_description": string(reason)})
}
