package notes

import (
	"encoding/json"
	"net/http"

	"github.com/tabard-auth/tabard/backend/api"
)

// Codes of the API beside those of the backend's contract.
const (
	InvalidToken         api.Code = "invalid_token"      // RFC 6750 section 3.1
	InsufficientScope    api.Code = "insufficient_scope" // RFC 6750 section 3.1
	OrganizationMismatch api.Code = "organization_mismatch"
	LimitReached         api.Code = "limit_reached"
)

// refusal is an answer that says no, in the shape of the backend's own.
type refusal struct {
	status      int
	code        api.Code
	description string
	challenge   string // WWW-Authenticate
}

var (
	errNoToken = refusal{http.StatusUnauthorized, InvalidToken,
		"an access token is required", `Bearer`}
	errInvalidToken = refusal{http.StatusUnauthorized, InvalidToken,
		"the access token is not valid here, or no longer", `Bearer error="invalid_token"`}
	errInvalidProof = refusal{http.StatusUnauthorized, api.InvalidDPoPProof,
		"the access token is bound to a key, and the request does not prove it", `DPoP error="invalid_dpop_proof", algs="ES256"`}
	errOrganizationMismatch = refusal{http.StatusForbidden, OrganizationMismatch,
		"the access token serves another organisation", ""}
	errNotFound = refusal{http.StatusNotFound, api.NotFound,
		"there is no such note", ""}
	errLimitReached = refusal{http.StatusConflict, LimitReached,
		"the organisation has as many notes as it may have", ""}
	errKeysUnavailable = refusal{http.StatusServiceUnavailable, api.TemporarilyUnavailable,
		"the keys that tokens are verified with cannot be reached", ""}
)

func insufficientScope(permission string) refusal {
	return refusal{http.StatusForbidden, InsufficientScope, "your roles do not include " + permission,
		`Bearer error="insufficient_scope", scope="` + permission + `"`}
}

func refuse(w http.ResponseWriter, r refusal) {
	if r.challenge != "" {
		w.Header().Set("WWW-Authenticate", r.challenge)
	}
	writeJSON(w, r.status, api.Error{Code: r.code, Description: r.description})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller who went away is no error
}
