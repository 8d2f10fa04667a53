package browserapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/strictjson"
	"github.com/tabard-auth/tabard/backend/web"
)

// revocationRequest is the body of a request for Global Token Revocation. Other members
// are ignored, since later drafts may have them and a refusal leaves somebody signed in
// who should not be.
type revocationRequest struct {
	Subject json.RawMessage `json:"sub_id"`
}

// revocationSubject has the format iss_sub, which has no other members (RFC 9493 section
// 3).

type revocationSubject struct {
	Format string `json:"format"`
	Issuer string `json:"iss"`
	Sub    string `json:"sub"`
}

// globalTokenRevocation is POST /global-token-revocation: the provider ends all of a
// person's sessions (draft-parecki-oauth-global-token-revocation, as Okta and Auth0
// document it). The provider signs a token for the address. The answer does not tell
// whether the person is known.
func (h *handler) globalTokenRevocation(c *authn.Request) error {
	connection := c.R.PathValue("connection")
	var request revocationRequest
	body, err := web.ReadBody(c.W, c.R)
	if err == nil {
		err = web.Malformed(strictjson.DecodeKnown(body, &request))
	}
	var s revocationSubject
	if err == nil {
		err = web.Malformed(strictjson.Decode(request.Subject, &s, 1))
	}
	if err != nil {
		return err
	}
	scheme, token, _ := strings.Cut(c.R.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return notAuthenticated(nil)
	}
	if s.Format != "iss_sub" || s.Issuer == "" || s.Sub == "" || len(s.Sub) > directory.MaxSubject {
		return refusal.New(api.InvalidRequest, "sub_id must have the format iss_sub, with iss and sub.")
	}
	provider, own, err := h.signIn.ProviderFor(c, login.Attempt{Connection: connection})
	var unknown *login.Refused
	switch {
	case errors.As(err, &unknown): // a disabled connection too: only its own provider learns more
		return notAuthenticated(err)
	case err != nil:
		return err
	}
	address := c.Issuer + api.PathRevocation
	if connection != "" {
		address += "/" + connection
	}
	logout, err := provider.ReadRevocation(c.Ctx, strings.TrimSpace(token), address, s.Issuer, s.Sub, c.Now)
	switch {
	case errors.Is(err, login.ErrNotAuthenticated):
		return notAuthenticated(err)
	case err != nil:
		return err
	case !h.revocations.allow(connection, c.Now): // only requests that the provider signed count
		r := refusal.New(api.RateLimited, "Too many revocations from this provider. Try again later.")
		r.RetryAfter = framesWithin
		return r
	}
	if err := endUpstream(c, own, logout); err != nil {
		return err
	}
	c.W.WriteHeader(http.StatusNoContent)
	c.Record.Status = http.StatusNoContent
	return nil
}

// notAuthenticated returns the refusal of a request that no provider signed for this
// address.
func notAuthenticated(cause error) error {
	return refusal.New(api.InvalidToken, "The request needs a token that the provider signed for this address.").WithCause(cause)
}
