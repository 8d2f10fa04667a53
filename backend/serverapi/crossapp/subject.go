package crossapp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

const (
	maxToken = 8 << 10 // bytes

	// proofLife is the greatest age of a proof, in seconds, and proofSkew how far its
	// time may be ahead.
	proofLife = 30
	proofSkew = 5
	maxProofs = 1 << 10
)

// subject returns the person of the request's access token with their place in its
// organization, and its claims, even those of an authentic token that it refuses. The
// token must be issued by this backend for the app whose server calls, and unexpired,
// with a live session and organization session.
func (c *call) subject(w *directory.Workspace) (*directory.Subject, *token.Claims, error) {
	raw := subjectToken(c.R.Header.Values("X-Authorization"))
	says := parseUnverified(raw)
	app, ok := w.AppByID(says.ClientID)
	if !ok || c.Actor.App != "" && c.Actor.App != app.ID {
		return nil, nil, deny(token.WrongAudience, "The person's access token is missing, or not for this app.")
	}
	claims, err := c.verify(w, app, says, raw)
	switch reason := token.ReasonOf(err); {
	case reason == token.KeysUnavailable || err != nil && reason == "":
		return nil, nil, err
	case err != nil:
		return nil, claims, deny(reason, "The person's access token is not valid.")
	}
	if claims.Lent {
		return nil, claims, deny("lent_token", "A lent token opens no session. Use the access token of the person's tab.")
	}
	if c.Actor.OrganizationID != "" && c.Actor.OrganizationID != claims.OrganizationID { // before the person's state, which this key may not learn
		return nil, claims, errNotAdmitted
	}
	id, err := session.ParseID(claims.SessionID)
	if err != nil {
		return nil, claims, deny(token.MissingClaim, "The person's access token has no session id.")
	}
	s, err := c.service.store.Subject(c.Context(), id, claims.OrganizationID, c.Now().Unix())
	if errors.Is(err, session.ErrNotFound) {
		return nil, claims, deny(api.SessionExpired, "The person's session has ended.")
	}
	if err != nil {
		return nil, claims, err
	}
	return &s, claims, c.checkLive(&s, claims)
}

// errNotAdmitted refuses another organization's key like a person without a membership.
var errNotAdmitted = deny(api.OrganizationAccessDenied, "The person is not a member of the organization, or this key is not for it.")

// checkLive refuses a person whose session or organization session has ended.
func (c *call) checkLive(s *directory.Subject, claims *token.Claims) error {
	switch now := c.Now().Unix(); {
	case s.Session.App != claims.ClientID || s.User.ID != claims.Subject:
		return deny(token.WrongAudience, "The person's access token belongs to another session.")
	case s.Session.RevokedAt != 0 || s.User.Disabled:
		return deny(api.SessionRevoked, "The person has signed out, or was signed out.")
	case s.Session.ExpiresAt <= now:
		return deny(api.SessionExpired, "The person's session has ended.")
	case s.Membership == nil:
		return errNotAdmitted
	case !s.Membership.OrganizationSession.Live():
		return deny(api.OrganizationSessionExpired, "The person's session in the organization has ended.")
	case s.Session.Parent != session.ID{}:
		return deny("entered_session", "A session that was opened from another app cannot open further ones. Use a token of the app in which the person signed in.")
	}
	return nil
}

// subjectToken returns the token in X-Authorization, with or without a scheme. A
// repeated header is ignored.
func subjectToken(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	scheme, raw, found := strings.Cut(headers[0], " ")
	switch {
	case !found:
		return headers[0]
	case strings.EqualFold(scheme, api.TokenTypeBearer), strings.EqualFold(scheme, api.TokenTypeDPoP):
		return raw
	}
	return ""
}

// unverifiedClaims are claims of a token before its verification. They select the keys
// and the audience to verify it with.
type unverifiedClaims struct {
	ClientID, Issuer, OrganizationID string
}

// parseUnverified returns a token's claims, empty if it is malformed.
func parseUnverified(raw string) unverifiedClaims {
	message, err := jws.Parse(raw, maxToken)
	if err != nil {
		return unverifiedClaims{}
	}
	c := message.Claims
	return unverifiedClaims{ClientID: c.Text("client_id"), Issuer: c.Text("iss"), OrganizationID: c.Text("org_id")}
}

// issuer returns the issuer of the token's organization: its own, if it has signing
// keys of its own, or the workspace.
func (s unverifiedClaims) issuer(base string) grant.Issuer {
	own := grant.IssuerOf(base, s.OrganizationID, policy.Rules{DedicatedKey: true})
	if s.Issuer == own.URL && directory.ValidSlug(strings.TrimPrefix(s.OrganizationID, directory.OrganizationPrefix)) {
		return own
	}
	return grant.Issuer{URL: base}
}

// verify verifies a token of an app with this backend's own keys. A token bound to a
// key needs that key's proof for this request (RFC 9449 section 7), made by the
// person's browser and passed on by the app's server. Otherwise a copy of the token
// could be used here as a bearer token.
func (c *call) verify(w *directory.Workspace, app directory.App, s unverifiedClaims, raw string) (*token.Claims, error) {
	by := s.issuer(c.service.issuer)
	verifier, err := token.NewVerifier(token.Config{
		Issuer: by.URL, Audience: app.Audience, Keys: ownKeys{c.service.keys, by.Organization, w.Revision, c.Now().Unix()},
		Algorithms: []string{string(signingkey.ES256), string(signingkey.EdDSA), string(signingkey.RS256)},
		Leeway:     proofSkew * time.Second, Now: c.Now,
	})
	if err != nil {
		return nil, err
	}
	claims, err := verifier.Inspect(c.Context(), raw)
	switch {
	case err != nil:
		return claims, err
	case claims.Expires <= c.Now().Unix(): // the backend's own clock needs no leeway
		return claims, &token.Error{Reason: token.Expired}
	case claims.ClientID != app.ID:
		return claims, &token.Error{Reason: token.WrongAudience}
	case claims.Confirmation != nil:
		return claims, c.prove(raw, claims.Confirmation.JKT)
	}
	return claims, nil
}

// prove checks the request's proof by the key that the token is bound to.
func (c *call) prove(raw, jkt string) error {
	values := c.R.Header.Values(api.HeaderProof)
	if len(values) != 1 {
		return &token.Error{Reason: token.ProofRequired}
	}
	proof, err := dpop.Parse(values[0])
	if err == nil {
		err = errors.Join(proof.Covers(c.R.Method, c.requestURL()), proof.CoversToken(raw))
	}
	now := c.Now().Unix()
	if err == nil && (proof.JKT != jkt || proof.IssuedAt < now-proofLife || proof.IssuedAt > now+proofSkew) {
		err = dpop.ErrProof
	}
	if err == nil {
		err = c.service.replays.Use(proof, now)
	}
	if err != nil {
		return &token.Error{Reason: token.InvalidProof, Err: err}
	}
	return nil
}

// requestURL returns the request's address, as the client knows it.
func (c *call) requestURL() string {
	return c.service.issuer + strings.TrimPrefix(c.R.URL.EscapedPath(), c.service.path)
}

func issuerOf(publicURL string) string { return strings.TrimSuffix(publicURL, "/") }

// ownKeys are the backend's own signing keys, as a token.KeySource.
type ownKeys struct {
	ring         *signingkey.KeyRing
	organization string // "" is the workspace
	revision     int64  // the workspace's
	now          int64
}

// published returns the valid keys. It makes none for an organization that a token
// names.
func (o ownKeys) published(ctx context.Context) ([]signingkey.Key, error) {
	if o.organization != "" {
		return o.ring.Stored(ctx, o.organization, o.now)
	}
	return o.ring.PublishedIn(ctx, "", o.revision, o.now)
}

// PublicKey implements token.KeySource.
func (o ownKeys) PublicKey(ctx context.Context, kid string) (token.PublicKey, error) {
	all, err := o.published(ctx)
	if err != nil {
		return token.PublicKey{}, err
	}
	for _, k := range all {
		if k.ID == kid {
			return token.PublicKey{Algorithm: string(k.Algorithm), Key: k.Private.Public()}, nil
		}
	}
	return token.PublicKey{}, token.ErrUnknownKey
}
