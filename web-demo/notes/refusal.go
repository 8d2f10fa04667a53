package notes

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
)

// Codes of the API beside those of the backend's contract and package resource's.
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
	challenge   string        // WWW-Authenticate
	retryAfter  time.Duration // Retry-After
}

// bookRefusal returns the refusal for an error of a Book.
func bookRefusal(err error) refusal {
	switch {
	case errors.Is(err, ErrNotFound):
		return refusal{http.StatusNotFound, api.NotFound, "there is no such note", "", 0}
	case errors.Is(err, ErrFull):
		return refusal{http.StatusConflict, LimitReached, "the organization has as many notes as it may have", "", 0}
	}
	return refusal{http.StatusInternalServerError, api.ServerError, "the notes are out of reach", "", 0}
}

// descriptions tell people of a refusal of package resource.
var descriptions = map[api.Code]string{
	InvalidToken:                       "the access token is missing, or not valid here, or no longer",
	api.InvalidDPoPProof:               "the access token is bound to a key, and the request does not prove it",
	OrganizationMismatch:               "the access token serves another organization",
	InsufficientScope:                  "your roles in this organization do not include that",
	api.InsufficientUserAuthentication: "that takes a second factor",
	api.TemporarilyUnavailable:         "the keys that tokens are verified with cannot be reached",
}

// guardRefusal returns the refusal for an error of the guard.
func guardRefusal(err error) refusal {
	r := resource.RefusalOf(err)
	return refusal{r.Status, api.Code(r.Code), descriptions[api.Code(r.Code)], r.Challenge, r.RetryAfter}
}

func refuse(w http.ResponseWriter, r refusal) {
	if r.challenge != "" {
		w.Header().Set("WWW-Authenticate", r.challenge)
	}
	if r.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.retryAfter/time.Second)))
	}
	writeJSON(w, r.status, api.Error{Code: r.code, Description: r.description})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone away
}
